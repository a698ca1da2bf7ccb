package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.tensors.BlockLayout;
import io.millrace.tensors.ForeignGgufType;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.inspection.Dequantization;
import io.millrace.tensors.inspection.Inspection;
import io.millrace.tensors.inspection.Inspector;
import io.millrace.tensors.kernel.gguf.PeerLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files with types that other tools write and nothing here reads. */
class ForeignTypesTest {
    private static final String TENSOR = "blk.0.attn_q.weight";
    /** The first of ggml's numbers that the library on the class path does not have. */
    private static final int NEWER = 39;

    @TempDir
    Path parent;

    @ParameterizedTest
    @EnumSource
    void aTensorIsShownWithItsTypeAndSizeAndNothingElseReadsIt(ForeignGgufType type) throws Exception {
        Path file = Files.write(parent.resolve("model.gguf"), modelWith(type));

        Inspection shown = Inspector.inspect(file);

        assertThat(shown.tensors())
                .filteredOn(tensor -> tensor.type().equals(type.name()))
                .singleElement()
                .satisfies(tensor -> {
                    assertThat(tensor.name()).isEqualTo(TENSOR);
                    assertThat(tensor.bytes()).isEqualTo(256L * 256 / type.blockElements() * type.blockBytes());
                });
        assertThat(shown.notReadable())
                .hasValueSatisfying(reason -> assertThat(reason).contains(TENSOR, type.name(), "Q4_K"));
        assertThatThrownBy(() -> Dequantization.write(file, parent.resolve("dense"), Optional.empty(), Progress.NONE))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("'" + TENSOR + "' is of type " + type + ", expected one of");
    }

    @Test
    void aFileThatIsTooShortForSuchATensorIsRefused() throws Exception {
        byte[] whole = modelWith(ForeignGgufType.IQ3_S);
        Path file = Files.write(parent.resolve("model.gguf"), Arrays.copyOf(whole, whole.length - 64));

        assertThatThrownBy(() -> Inspector.inspect(file))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("copy the file again");
    }

    @Test
    void sizesAreThoseOfLlama() throws Throwable {
        Optional<PeerLibrary> library = PeerLibrary.load();
        assumeTrue(library.isPresent(), "skipped: the library is built for Linux on x86-64 only");
        List<BlockLayout> layouts = new ArrayList<>(List.of(GgufType.values()));
        layouts.addAll(List.of(ForeignGgufType.values()));
        for (BlockLayout layout : layouts) {
            if (layout.id() < NEWER) {
                assertThat(layout.blockElements()).as(layout.name()).isEqualTo((int)
                        library.get().blockElements(layout.id()));
                assertThat(layout.blockBytes()).as(layout.name()).isEqualTo((int)
                        library.get().blockBytes(layout.id()));
            }
        }
    }

    /** A model whose query weights are zeros of a type. */
    private byte[] modelWith(ForeignGgufType type) throws Exception {
        try (Checkpoint checkpoint = Checkpoint.open(GgufModels.folder(parent, GgufModels.llama()))) {
            GgufHeader plain = GgufCompressor.plan(checkpoint, GgufFileType.F16).header();
            List<GgufTensor> tensors = plain.tensors().stream()
                    .map(tensor -> new GgufTensor(
                            tensor.name(),
                            tensor.name().equals(TENSOR) ? type : tensor.layout(),
                            tensor.name().equals(TENSOR) ? Shape.of(256, 256) : tensor.shape(),
                            0))
                    .toList();
            GgufHeader header = GgufHeader.laidOut(plain.metadata(), tensors);
            byte[] head = GgufHeaderEncoder.encode(header);
            return Arrays.copyOf(head, head.length + (int) header.dataBytes());
        }
    }
}
