package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GeneralNameTest {
    private static final List<String> OF_PHI_3 = List.of("<unk>", "<s>", "</s>", "a", "<|endoftext|>");
    private static final List<String> OF_PHI_4 = List.of("a", "<|endoftext|>");

    @Test
    void aNameByWhichLlamaWouldLookForOtherTokensIsSpeltApart() {
        assertThat(named("phi3", "phi3", "gpt2", OF_PHI_4)).isEqualTo("Phi 3");
        assertThat(named("my-Phi-3-mini", "phi3", "gpt2", OF_PHI_4)).isEqualTo("my-Phi 3-mini");
    }

    @Test
    void phi3WithItsOwnTokenizerIsCalledSo() {
        assertThat(named("", "phi3", "llama", OF_PHI_3)).isEqualTo("phi3");
        assertThat(named("checkpoint-500", "phi3", "llama", OF_PHI_3)).isEqualTo("checkpoint-500 (phi3)");
        assertThat(named("Phi-3-mini", "phi3", "llama", OF_PHI_3)).isEqualTo("Phi-3-mini");
    }

    @Test
    void aModelThatTransformersWouldTakeForAnArchitectureIsSpeltLikeAName() {
        assertThat(named("mistral", "llama", "llama", OF_PHI_4)).isEqualTo("Mistral");
    }

    @Test
    void everyOtherNameStaysAndWhereThereIsNoneNoneIsMade() {
        assertThat(named("phi3", "phi3", "llama", OF_PHI_3)).isEqualTo("phi3");
        assertThat(named("Phi-4-mini", "phi3", "gpt2", OF_PHI_4)).isEqualTo("Phi-4-mini");
        assertThat(named("mistral-7b", "llama", "llama", OF_PHI_3)).isEqualTo("mistral-7b");
        assertThat(named("", "llama", "llama", OF_PHI_3)).isEmpty();
        assertThat(named("", "phi3", "gpt2", OF_PHI_4)).isEmpty();
    }

    private static String named(String name, String architecture, String tokenizer, List<String> tokens) {
        Map<String, GgufValue> metadata = new HashMap<>(Map.of(
                ModelKeys.ARCHITECTURE,
                GgufValue.text(architecture),
                "tokenizer.ggml.model",
                GgufValue.text(tokenizer),
                "tokenizer.ggml.tokens",
                GgufValue.texts(tokens)));
        if (!name.isEmpty()) {
            metadata.put(ModelKeys.NAME, GgufValue.text(name));
        }
        GeneralName.settle(metadata);
        return metadata.get(ModelKeys.NAME) instanceof GgufValue.Text(String written) ? written : "";
    }
}
