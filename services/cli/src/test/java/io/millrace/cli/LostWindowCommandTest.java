package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.demo.ByteTokenizer;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people are told of a sliding window, and of a tokenizer, that a GGUF file cannot state. */
final class LostWindowCommandTest {
    private static final String LOST = "llama.cpp knows no sliding window of MistralForCausalLM";

    @TempDir
    private Path folder;

    @Test
    void itIsSaidOnceAndBesideTheWeightsOfGgufAlone() throws IOException {
        String model = writeMistral().toString();

        Said said = Said.to(
                "compress",
                model,
                "--to=gguf:Q8_0",
                "--to=compressed-tensors:W8A16",
                "-o",
                folder.resolve("out").toString());

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err().split("gguf: " + LOST, -1)).as(said.err()).hasSize(2);
        assertThat(note("gguf-Q8_0")).startsWith(LOST).contains("beyond its 32 tokens");
        assertThat(note("compressed-tensors-W8A16")).isEmpty();
    }

    @Test
    void whatIsLostOfTheTokenizerIsSaidBesideIt() throws IOException {
        Path model = writeMistral();
        Path file = model.resolve("tokenizer.json");
        ObjectNode tokenizer = (ObjectNode) new ObjectMapper().readTree(file.toFile());
        tokenizer
                .withArray("added_tokens")
                .addObject()
                .put("id", 0)
                .put("content", "<mask>")
                .put("lstrip", true);
        Files.writeString(file, tokenizer.toString());

        Said said = Said.to(
                "compress",
                model.toString(),
                "--to=gguf:Q8_0",
                "--to=gguf:Q4_0",
                "-o",
                folder.resolve("out").toString());

        String both = "; GGUF cannot say all of this tokenizer: llama.cpp keeps the white space before '<mask>'";
        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err().split("gguf: " + LOST, -1)).as(said.err()).hasSize(2);
        assertThat(said.err().split(both, -1)).as(said.err()).hasSize(2);
        assertThat(note("gguf-Q8_0")).startsWith(LOST).contains(both);
        assertThat(note("gguf-Q4_0")).isEqualTo(note("gguf-Q8_0"));
    }

    private Path writeMistral() throws IOException {
        ObjectNode json = (ObjectNode) new ObjectMapper().readTree("""
                {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": %d, "hidden_size": 128,
                 "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
                 "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "sliding_window": 32}
                """.formatted(ByteTokenizer.VOCABULARY_SIZE));
        ModelConfig config = ModelConfig.of(json, "config.json");
        List<TensorSpec> tensors = config.architecture().tensors(config).stream()
                .map(rule -> TensorSpec.plain(rule.name(), DType.F32, rule.shape()))
                .toList();
        Path model = folder.resolve("model");
        try (DenseWriter writer = DenseWriter.original(model, json, tensors)) {
            for (TensorSpec tensor : tensors) {
                float[] weights = new float[Math.toIntExact(tensor.shape().elements())];
                writer.appendFloats(tensor.name(), MemorySegment.ofArray(weights));
            }
            writer.finish();
        }
        ByteTokenizer.write(model);
        return model;
    }

    private String note(String target) throws IOException {
        return new ObjectMapper()
                .readTree(Files.readString(folder.resolve("out").resolve(target).resolve("tensor-report.json")))
                .path("note")
                .asText();
    }
}
