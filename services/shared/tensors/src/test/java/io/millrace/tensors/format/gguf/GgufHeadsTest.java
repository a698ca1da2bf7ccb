package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.TinyModels;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Heads that are not as wide together as the hidden size. */
class GgufHeadsTest {
    @TempDir
    Path parent;

    @Test
    void aFileThatLlamaCppWouldNotOpenIsRefused() throws Exception {
        Path qwen2 = folder("Qwen2ForCausalLM", "qwen2");

        assertThatThrownBy(() -> GgufModels.write(qwen2, GgufFileType.Q8_0, parent.resolve("model.gguf"), 1))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("config.json: 4 heads of 16, but the hidden size is 128: llama.cpp opens no such model of"
                        + " Qwen2ForCausalLM; choose compressed-tensors or onnx");
        assertThat(parent.resolve("model.gguf")).doesNotExist();
    }

    @Test
    void itOpensThoseOfOtherArchitectures() throws Exception {
        GgufModels.write(folder("Qwen3ForCausalLM", "qwen3"), GgufFileType.Q8_0, parent.resolve("model.gguf"), 1);

        assertThat(parent.resolve("model.gguf")).exists();
    }

    private Path folder(String className, String modelType) throws Exception {
        return GgufModels.folder(parent, TinyModels.config(className, modelType).put("head_dim", 16));
    }
}
