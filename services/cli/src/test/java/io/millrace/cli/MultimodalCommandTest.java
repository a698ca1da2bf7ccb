package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.demo.ByteTokenizer;
import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people are told of the part of a multimodal model that most formats leave out. */
final class MultimodalCommandTest {
    private static final String SEEING = "vision_tower.vision_model.post_layernorm.weight";

    @TempDir
    private Path folder;

    @BeforeEach
    void writeAModel() throws IOException {
        ObjectNode json = (ObjectNode) new ObjectMapper().readTree("""
                {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config":
                 {"model_type": "gemma3_text", "vocab_size": %d, "hidden_size": 128, "intermediate_size": 128,
                  "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
                  "query_pre_attn_scalar": 32, "max_position_embeddings": 128}}
                """.formatted(ByteTokenizer.VOCABULARY_SIZE));
        ModelConfig config = ModelConfig.of(json, "config.json");
        List<TensorSpec> tensors = new ArrayList<>();
        config.architecture()
                .tensors(config)
                .forEach(rule ->
                        tensors.add(TensorSpec.plain("language_model." + rule.name(), DType.F32, rule.shape())));
        tensors.add(TensorSpec.plain(SEEING, DType.F32, Shape.of(1024)));
        try (DenseWriter writer = DenseWriter.original(folder.resolve("model"), json, tensors)) {
            for (TensorSpec tensor : tensors) {
                float[] weights = new float[Math.toIntExact(tensor.shape().elements())];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = i % 7 / 64f;
                }
                writer.appendFloats(tensor.name(), MemorySegment.ofArray(weights));
            }
            writer.finish();
        }
        ByteTokenizer.write(folder.resolve("model"));
    }

    @Test
    void whatIsLeftOutIsSaidOnceAndListedBesideTheWeights() throws IOException {
        String model = folder.resolve("model").toString();
        String out = folder.resolve("out").toString();

        Said said = Said.to(
                "compress", model, "--to=gguf:Q8_0", "--to=onnx:int8", "--to=compressed-tensors:W8A16", "-o", out);

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err().split("left out", -1)).as(said.err()).hasSize(2);
        assertThat(said.err())
                .contains("gguf:Q8_0, onnx:int8: the text model alone; 1 tensors with which it sees (4.0 KiB)");
        assertThat(leftOut("gguf-Q8_0")).containsExactly(SEEING);
        assertThat(leftOut("onnx-int8")).containsExactly(SEEING);
        assertThat(leftOut("compressed-tensors-W8A16")).isEmpty();

        Said dense = Said.to(
                "dequantize",
                out + "/compressed-tensors-W8A16",
                "-o",
                folder.resolve("dense").toString());

        assertThat(dense.exitCode()).as(dense.err()).isZero();
        assertThat(dense.out()).contains("the text model alone");
    }

    private List<String> leftOut(String target) throws IOException {
        JsonNode report = new ObjectMapper()
                .readTree(Files.readString(folder.resolve("out").resolve(target).resolve("tensor-report.json")));
        return StreamSupport.stream(report.path("left-out").spliterator(), false)
                .map(tensor -> tensor.path("name").asText())
                .toList();
    }
}
