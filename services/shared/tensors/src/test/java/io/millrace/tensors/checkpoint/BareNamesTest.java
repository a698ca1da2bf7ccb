package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Folders that transformers' AutoModel saved, whose names lack the prefix of the body. */
class BareNamesTest {
    @TempDir
    Path parent;

    private Path whole;

    @BeforeEach
    void writeTheWholeModel() throws IOException {
        whole = TinyModels.write(parent.resolve("whole"), TinyModels.llama(), DType.BF16, 3);
    }

    static List<ObjectNode> each() throws IOException {
        return TinyModels.each();
    }

    @ParameterizedTest
    @MethodSource("each")
    void aBodyIsReadAsTheModelThatItIsTheBodyOf(ObjectNode config) throws IOException {
        Path named = TinyModels.write(parent.resolve("named"), config, DType.BF16, 3);
        Path bare = BareModels.write(parent.resolve("bare"), named);

        try (Checkpoint expected = Checkpoint.open(named);
                Checkpoint found = Checkpoint.open(bare)) {
            assertThat(found.architecture()).isEqualTo(expected.architecture());
            assertThat(found.tensors()).isEqualTo(expected.tensors());
            for (TensorSpec tensor : expected.tensors()) {
                long rows = tensor.shape().rows();
                assertThat(found.reader()
                                .rows(tensor.name(), 0, rows)
                                .mismatch(expected.reader().rows(tensor.name(), 0, rows)))
                        .as(tensor.name())
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void whatAStageMakesOfItKeepsTheNames() throws IOException {
        Path bare = BareModels.write(parent.resolve("bare"), whole);
        Path made = parent.resolve("made");

        try (Checkpoint source = Checkpoint.open(bare);
                DenseWriter writer =
                        DenseWriter.derived(made, source, source.config().json(), source.tensors(), "prune")) {
            for (TensorSpec tensor : source.tensors()) {
                long rows = tensor.shape().rows();
                if (tensor.shape().rank() == 1) {
                    writer.append(tensor.name(), source.reader().rows(tensor.name(), 0, rows));
                } else {
                    float[] weights = new float[Math.toIntExact(tensor.shape().elements())];
                    source.read(tensor.name(), 0, rows, MemorySegment.ofArray(weights));
                    writer.appendFloats(tensor.name(), MemorySegment.ofArray(weights));
                }
            }
            writer.finish();
        }

        try (SafetensorsFolder before = SafetensorsFolder.open(bare);
                SafetensorsFolder after = SafetensorsFolder.open(made)) {
            assertThat(after.tensors())
                    .isEqualTo(before.tensors())
                    .anyMatch(tensor -> tensor.name().equals("layers.0.mlp.up_proj.weight"));
        }
    }

    @Test
    void whatAMultimodalModelSeesWithKeepsItsOwnPrefix() throws IOException {
        ObjectNode config = MultimodalModels.config(TinyModels.each().stream()
                .filter(json -> json.path("model_type").asText().equals("gemma3_text"))
                .findFirst()
                .orElseThrow());
        ModelConfig text = ModelConfig.of(config, "config.json");
        TensorSpec seeing = TensorSpec.plain("model.vision_tower.norm.weight", DType.BF16, Shape.of(4));
        List<TensorSpec> specs = Stream.concat(
                        Stream.of(seeing),
                        text.architecture().tensors(text).stream()
                                .map(rule -> TensorSpec.plain(
                                        "language_model." + BareModels.name(rule.name()), DType.BF16, rule.shape())))
                .toList();
        write(config, specs);

        try (Checkpoint checkpoint = Checkpoint.open(parent.resolve("other"))) {
            assertThat(checkpoint.seeing()).containsExactly(seeing);
            assertThat(checkpoint.reader().rows(seeing.name(), 0, 1).byteSize()).isEqualTo(8);
            assertThat(checkpoint.storedName("model.norm.weight")).isEqualTo("language_model.norm.weight");
        }
    }

    @Test
    void namesOfBothKindsInOneFolderAreRefused() throws IOException {
        write(TinyModels.llama(), name -> !name.equals("model.norm.weight"), _ -> true);

        assertThatThrownBy(() -> Checkpoint.open(parent.resolve("other")))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("' is named without the prefix 'model.' and 'model.norm.weight' with it")
                .hasMessageContaining("save the model again");
    }

    @Test
    void aBodyWhoseHeadIsNotItsEmbeddingIsRefusedWithTheReason() throws IOException {
        write(TinyModels.llama(), _ -> true, name -> !name.equals("lm_head.weight"));

        assertThatThrownBy(() -> Checkpoint.open(parent.resolve("other")))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("has no output head: there is no tensor 'lm_head.weight'")
                .hasMessageContaining("no perplexity can be measured")
                .hasMessageContaining("AutoModelForCausalLM");
    }

    /** A Llama folder with such tensors, all zero. */
    private void write(ObjectNode json, Predicate<String> bare, Predicate<String> stored) throws IOException {
        ModelConfig config = ModelConfig.of(json, "config.json");
        List<TensorSpec> specs = config.architecture().tensors(config).stream()
                .filter(rule -> stored.test(rule.name()))
                .map(rule -> TensorSpec.plain(
                        bare.test(rule.name()) ? BareModels.name(rule.name()) : rule.name(), DType.BF16, rule.shape()))
                .toList();
        write(json, specs);
    }

    private void write(ObjectNode json, List<TensorSpec> specs) throws IOException {
        Path folder = Files.createDirectories(parent.resolve("other"));
        Files.write(folder.resolve("config.json"), StrictJson.print(json).getBytes(StandardCharsets.UTF_8));
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, specs, Map.of(), Long.MAX_VALUE)) {
            for (TensorSpec spec : specs) {
                writer.append(MemorySegment.ofArray(new byte[Math.toIntExact(spec.byteSize())]));
            }
            writer.finish();
        }
    }
}
