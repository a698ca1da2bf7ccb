package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LostWindowTest {
    @Test
    void aWindowThatGgufDoesNotStateIsTold() throws IOException {
        assertThat(lost(TinyModels.config("MistralForCausalLM", "mistral").put("sliding_window", 32)))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("no sliding window of MistralForCausalLM")
                        .contains("beyond its 32 tokens; keep contexts at that, or choose compressed-tensors or onnx"));
    }

    @Test
    void whereNothingIsLostNothingIsTold() throws IOException {
        ObjectNode mistral = TinyModels.config("MistralForCausalLM", "mistral");
        assertThat(lost(mistral)).isEmpty();
        // As many tokens as the context has.
        assertThat(lost(mistral.put("sliding_window", 64))).isEmpty();
        assertThat(lost(TinyModels.llama().put("sliding_window", 32))).isEmpty();
        for (String stated : List.of("Gemma2ForCausalLM", "Gemma3ForCausalLM")) {
            assertThat(lost(TinyModels.of(stated))).isEmpty();
        }
    }

    /** Its key is written, and older llama.cpp reads it. */
    @Test
    void theWindowOfPhi3IsTold() throws IOException {
        assertThat(lost(TinyModels.of("Phi3ForCausalLM")))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("newer llama.cpp passes over the sliding window of Phi3ForCausalLM")
                        .contains("beyond its 16 tokens; keep contexts at that"));
    }

    private static Optional<String> lost(ObjectNode json) throws IOException {
        return LostWindow.of(ModelConfig.of(json, "config.json"));
    }
}
