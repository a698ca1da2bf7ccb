package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.MultimodalModels;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gemma 3 with a part that sees: its text model is what is read, under the names that it has by itself. */
class MultimodalGgufTest {
    @TempDir
    Path parent;

    private Path text;

    @BeforeEach
    void writeTheTextModel() throws Exception {
        text = GgufModels.folder(parent, config());
    }

    @ParameterizedTest
    @CsvSource({"language_model., 0", "model.language_model., 6", "language_model., 6"})
    void theFileIsThatOfTheTextModelByItself(String prefix, int cut) throws Exception {
        Path whole = MultimodalModels.write(parent.resolve("whole"), text, prefix, cut);
        Path alone = parent.resolve("alone.gguf");
        Path within = parent.resolve("within.gguf");

        GgufModels.write(whole, GgufFileType.Q8_0, within, 1);

        try (Checkpoint checkpoint = Checkpoint.open(whole);
                DenseWriter copy = DenseWriter.original(
                        parent.resolve("copy"), checkpoint.config().json(), checkpoint.tensors())) {
            assertThat(checkpoint.seeing())
                    .containsExactlyInAnyOrder(MultimodalModels.SEEING, MultimodalModels.PROJECTOR);
            for (TensorSpec tensor : checkpoint.tensors()) {
                copy.append(checkpoint
                        .reader()
                        .rows(tensor.name(), 0, tensor.shape().rows()));
            }
            copy.finish();
            checkpoint.copyCompanions(parent.resolve("copy"));
        }
        GgufModels.write(parent.resolve("copy"), GgufFileType.Q8_0, alone, 1);
        assertThat(within).hasSameBinaryContentAs(alone);
        try (Checkpoint original = Checkpoint.open(text);
                GgufWeights weights = GgufWeights.open(within)) {
            assertThat(weights.config().attention()).isEqualTo(original.config().attention());
            assertThat(weights.config().architecture().className()).isEqualTo("Gemma3ForCausalLM");
        }
    }

    @Test
    void aTensorUnderBothOfItsNamesIsRefused() throws Exception {
        ObjectNode config = MultimodalModels.config(config());
        Path folder = Files.createDirectories(parent.resolve("twice"));
        List<TensorSpec> twice = List.of(
                TensorSpec.plain("language_model.model.norm.weight", DType.F32, Shape.of(4)),
                TensorSpec.plain("model.language_model.norm.weight", DType.F32, Shape.of(4)));
        try (DenseWriter writer = DenseWriter.original(folder, config, twice)) {
            for (TensorSpec spec : twice) {
                writer.appendFloats(spec.name(), MemorySegment.ofArray(new float[4]));
            }
            writer.finish();
        }

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessageContaining("is also stored as")
                .hasMessageContaining("expected one of them");
    }

    private static ObjectNode config() throws IOException {
        return TinyModels.of("Gemma3ForCausalLM");
    }
}
