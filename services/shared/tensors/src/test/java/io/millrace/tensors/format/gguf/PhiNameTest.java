package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PhiNameTest {
    private static final List<String> OF_PHI_3 = List.of("<unk>", "<s>", "</s>", "a", "<|endoftext|>");
    private static final List<String> OF_PHI_4 = List.of("a", "<|endoftext|>");

    @Test
    void aNameByWhichLlamaWouldLookForOtherTokensIsSpeltApart() {
        assertThat(named("phi3", OF_PHI_4)).isEqualTo("Phi 3");
        assertThat(named("my-Phi-3-mini", OF_PHI_4)).isEqualTo("my-Phi 3-mini");
    }

    @Test
    void everyOtherNameStays() {
        assertThat(named("phi3", OF_PHI_3)).isEqualTo("phi3");
        assertThat(named("Phi-4-mini", OF_PHI_4)).isEqualTo("Phi-4-mini");
    }

    private static String named(String name, List<String> tokens) {
        Map<String, GgufValue> metadata = new HashMap<>(
                Map.of(ModelKeys.NAME, GgufValue.text(name), "tokenizer.ggml.tokens", GgufValue.texts(tokens)));
        PhiName.mend(metadata);
        return metadata.get(ModelKeys.NAME) instanceof GgufValue.Text(String written) ? written : "";
    }
}
