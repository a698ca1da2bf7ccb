package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.MultimodalModels;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A multimodal checkpoint whose text model is compressed, and which an engine finds whole under its own names. */
class MultimodalCompressedTest {
    private static final String DENSE = "model.layers.0.mlp.down_proj.weight";

    @TempDir
    Path parent;

    private Path text;
    private Path whole;

    @BeforeEach
    void writeBoth() throws Exception {
        ObjectNode config = TinyModels.of("Gemma3ForCausalLM");
        text = TinyModels.write(parent.resolve("text"), config, DType.BF16, 7);
        whole = MultimodalModels.write(parent.resolve("whole"), text, "language_model.", 0);
        Files.writeString(whole.resolve("preprocessor_config.json"), "{}");
    }

    private List<TensorReport> compress(Path source, Path target) throws Exception {
        ModuleSchemes schemes = new ModuleSchemes(
                CompressedScheme.W4A16,
                List.of(new ModuleSchemes.ModuleScheme(
                        Pattern.compile("layers\\.1\\.self_attn\\.o_proj"), CompressedScheme.W8A16)),
                List.of(Pattern.compile("layers\\.0\\.mlp\\.down_proj")));
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            return CompressedTensorsWriter.plan(checkpoint, schemes, DenseWriter.SHARD_BYTES)
                    .write(target, 1, Progress.NONE);
        }
    }

    @Test
    void theTextModelIsCompressedAsByItself() throws Exception {
        compress(text, parent.resolve("small text"));

        compress(whole, parent.resolve("small"));

        try (SafetensorsFolder alone = SafetensorsFolder.open(parent.resolve("small text"));
                SafetensorsFolder within = SafetensorsFolder.open(parent.resolve("small"))) {
            for (TensorSpec tensor : alone.tensors()) {
                long rows = tensor.shape().rows();
                assertThat(within.rows("language_model." + tensor.name(), 0, rows)
                                .mismatch(alone.rows(tensor.name(), 0, rows)))
                        .as(tensor.name())
                        .isEqualTo(-1);
            }
            assertThat(within.tensors()).hasSize(alone.tensors().size() + 2);
        }
    }

    @Test
    void whatItSeesWithIsCopiedAndIgnoredUnderTheNamesOfEachEngine() throws Exception {
        Path target = parent.resolve("small");

        List<TensorReport> reports = compress(whole, target);

        try (SafetensorsFolder before = SafetensorsFolder.open(whole);
                SafetensorsFolder after = SafetensorsFolder.open(target)) {
            for (TensorSpec tensor : List.of(MultimodalModels.SEEING, MultimodalModels.PROJECTOR)) {
                assertThat(after.tensors()).contains(tensor);
                assertThat(after.rows(tensor.name(), 0, tensor.shape().rows())
                                .mismatch(before.rows(
                                        tensor.name(), 0, tensor.shape().rows())))
                        .isEqualTo(-1);
                assertThat(reports)
                        .filteredOn(report -> report.name().equals(tensor.name()))
                        .singleElement()
                        .satisfies(report -> assertThat(report.note()).startsWith("copied"));
            }
        }
        assertThat(target.resolve("preprocessor_config.json")).exists();
        ObjectNode config = StrictJson.readFile(target.resolve("config.json"), 1 << 20);
        assertThat(config.path("architectures").path(0).asText()).isEqualTo("Gemma3ForConditionalGeneration");
        List<String> ignored = texts(config.path(QuantizationConfig.KEY).path("ignore"));
        ModuleNames ignore = new ModuleNames(ignored);
        // vLLM's names, then those of transformers in memory, in which a pattern has to begin where the name does.
        for (String module : List.of(
                "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj",
                "model.vision_tower.encoder.layers.0.mlp.fc1",
                "multi_modal_projector.mm_input_projection",
                "language_model.lm_head",
                "lm_head",
                "language_model.model.layers.0.mlp.down_proj",
                "model.language_model.layers.0.mlp.down_proj")) {
            assertThat(ignore.matches(module)).as(module).isTrue();
        }
        assertThat(ignore.matches("model.language_model.layers.1.mlp.down_proj"))
                .isFalse();
        assertThat(ignore.matches("language_model.model.layers.0.mlp.up_proj")).isFalse();
    }

    @Test
    void itIsReadBackAlsoWithTheNamesThatOtherToolsGive() throws Exception {
        Path target = parent.resolve("small");
        compress(whole, target);
        requireReadable(target);
        ObjectNode config = StrictJson.readFile(target.resolve("config.json"), 1 << 20);
        ((ObjectNode) config.path(QuantizationConfig.KEY))
                .putArray("ignore")
                .add("lm_head")
                .add("model.vision_tower.encoder.layers.0.self_attn.q_proj")
                .add("model.language_model.layers.0.mlp.down_proj");
        Files.write(target.resolve("config.json"), StrictJson.print(config).getBytes(StandardCharsets.UTF_8));

        requireReadable(target);
    }

    private void requireReadable(Path target) throws Exception {
        try (Checkpoint original = Checkpoint.open(text);
                CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
            for (TensorRule rule : original.rules()) {
                float[] before = new float[Math.toIntExact(rule.shape().elements())];
                float[] after = new float[before.length];
                original.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(before));
                reader.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(after));
                if (rule.name().equals(DENSE)) {
                    assertThat(after).isEqualTo(before);
                }
                for (int i = 0; i < before.length; i++) {
                    assertThat(Math.abs(after[i] - before[i])).as(rule.name()).isLessThan(0.02f);
                }
            }
        }
    }

    private static List<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::asText).toList();
    }
}
