package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Someone cuts a file off while its weights are read. A vector that were loaded from the mapped file would kill this JVM. */
class ShrunkFileTest {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final int ROW = 128;
    /** Until the reading loop is compiled to vector instructions, which fail in another way than the interpreter. */
    private static final int READS_UNTIL_COMPILED = 20_000;

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void readingSaysThatTheFileChanged(DType type) throws Exception {
        // Wide enough for whole pages of the file to lie beyond its new end.
        ObjectNode config = TinyModels.llama().put("vocab_size", 2048);
        Path model = TinyModels.write(folder, config, type, 1);
        try (Checkpoint checkpoint = Checkpoint.open(model);
                Arena arena = Arena.ofConfined()) {
            MemorySegment array = MemorySegment.ofArray(new float[2048 * ROW]);
            MemorySegment nativeMemory = arena.allocate(2048 * ROW * Float.BYTES);
            for (int i = 0; i < READS_UNTIL_COMPILED; i++) {
                checkpoint.read(EMBEDDING, i % 2048, i % 2048 + 1, array);
                checkpoint.read(EMBEDDING, i % 2048, i % 2048 + 1, nativeMemory);
            }
            cutOff(model.resolve("model.safetensors"));

            for (MemorySegment destination : new MemorySegment[] {array, nativeMemory}) {
                assertThatThrownBy(() -> checkpoint.read(EMBEDDING, 0, 2048, destination))
                        .isInstanceOfSatisfying(
                                MalformedFileException.class,
                                changed -> assertThat(changed.kind()).isEqualTo(Kind.CHECKPOINT_CHANGED))
                        .hasMessageContaining("model.safetensors: changed while it was read")
                        .hasMessageContaining("begin again");
            }
        }
    }

    private static void cutOff(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(8);
        }
    }
}
