package io.millrace.models.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Blocks of any content as ggml's own dequantizers read them: what every check of a forward pass rests on. */
class BlockReadingTest {
    private static final long SEED = 5;
    private static final int BLOCKS = 4096;

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void everyBlockIsReadBitForBitAsGgmlReadsIt(GgufType type) throws Throwable {
        System.out.println("seed " + SEED);
        byte[] blocks = new byte[BLOCKS * type.blockBytes()];
        new SplittableRandom(SEED).nextBytes(blocks);

        float[] ours = new float[BLOCKS * type.blockElements()];
        BlockDequantizer.dequantize(type, blocks, 0, ours.length, ours, 0);

        // Scales of any bits are among them, so infinities and NaN too; compare() takes one NaN for another.
        assertThat(ours).usingComparator(java.util.Arrays::compare).isEqualTo(ggml(type, blocks, ours.length));
    }

    private static float[] ggml(GgufType type, byte[] blocks, int elements) throws Throwable {
        MethodHandle reader = reader(type);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocate(blocks.length, Long.BYTES);
            MemorySegment.copy(blocks, 0, from, ValueLayout.JAVA_BYTE, 0, blocks.length);
            MemorySegment to = arena.allocate(JAVA_FLOAT, elements);
            reader.invoke(from, to, (long) elements);
            return to.toArray(JAVA_FLOAT);
        }
    }

    private static MethodHandle reader(GgufType type) throws IOException {
        // Only the K of the K types is a capital letter.
        String name = type.name().toLowerCase(Locale.ROOT).replace("_k", "_K");
        try {
            return LlamaLibrary.open().function("dequantize_row_" + name, null, ADDRESS, ADDRESS, JAVA_LONG);
        } catch (LlamaUnavailableException problem) {
            throw LlamaPresence.skipped(problem);
        } catch (IllegalStateException problem) {
            // The library of the Maven package is older than this type.
            throw type == GgufType.MXFP4 ? LlamaPresence.skipped(problem) : problem;
        }
    }
}
