package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.TinyModels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models that the formats can hold, but of which llama.cpp would not open a file. */
class GgufRefusalTest {
    @TempDir
    Path parent;

    @ParameterizedTest
    @CsvSource({"Qwen2ForCausalLM, qwen2", "Phi3ForCausalLM, phi3"})
    void headsThatAreNotAsWideTogetherAsTheHiddenSizeAreRefused(String className, String modelType) throws Exception {
        ObjectNode config = TinyModels.config(className, modelType).put("head_dim", 16);

        requireRefused(
                config,
                "config.json: 4 heads of 16, but the hidden size is 128: llama.cpp opens no such model of " + className
                        + "; choose compressed-tensors or onnx");
    }

    @Test
    void theScalingOfLlama3IsRefusedOfQwen2() throws Exception {
        requireRefused(
                scaled("Qwen2ForCausalLM", "qwen2"),
                "config.json: rope scaling 'llama3': llama.cpp opens no model of Qwen2ForCausalLM with it; choose"
                        + " compressed-tensors or onnx");
    }

    @Test
    void itOpensThoseOfOtherArchitectures() throws Exception {
        ObjectNode narrow = TinyModels.config("Qwen3ForCausalLM", "qwen3").put("head_dim", 16);
        for (ObjectNode config : List.of(narrow, scaled("MistralForCausalLM", "mistral"))) {
            GgufModels.write(GgufModels.folder(parent, config), GgufFileType.Q8_0, parent.resolve("model.gguf"), 1);

            assertThat(parent.resolve("model.gguf")).exists();
            Files.delete(parent.resolve("model.gguf"));
        }
    }

    private void requireRefused(ObjectNode config, String message) throws Exception {
        Path folder = GgufModels.folder(parent, config);

        assertThatThrownBy(() -> GgufModels.write(folder, GgufFileType.Q8_0, parent.resolve("model.gguf"), 1))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage(message);
        assertThat(parent.resolve("model.gguf")).doesNotExist();
    }

    private static ObjectNode scaled(String className, String modelType) throws Exception {
        ObjectNode config = TinyModels.config(className, modelType).putNull("sliding_window");
        config.putObject("rope_scaling")
                .put("rope_type", "llama3")
                .put("factor", 8.0)
                .put("low_freq_factor", 1.0)
                .put("high_freq_factor", 4.0)
                .put("original_max_position_embeddings", 32);
        return config;
    }
}
