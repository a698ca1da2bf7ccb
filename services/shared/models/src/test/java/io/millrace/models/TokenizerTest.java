package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
    @Test
    void longTextIsNeitherCutNorPadded(@TempDir Path folder) throws IOException {
        String text = "Zoë näht 縫う 🪡 ".repeat(500);

        try (Tokenizer tokenizer = Tokenizer.open(TestModels.tokenizer(folder, true))) {
            int[] tokens = tokenizer.encode(text);

            assertThat(tokens).hasSizeGreaterThan(5000).doesNotContain(TestModels.BEGIN);
            assertThat(tokenizer.decode(tokens)).isEqualTo(text);
        }
    }

    @Test
    void mergesAreApplied(@TempDir Path folder) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(TestModels.tokenizer(folder, true))) {
            assertThat(tokenizer.encode("the")).containsExactly(259);
        }
    }

    @Test
    void theConfigurationDecidesWhetherABeginTokenIsAdded(@TempDir Path with, @TempDir Path without)
            throws IOException {
        try (Tokenizer adds = Tokenizer.open(TestModels.tokenizer(with, true));
                Tokenizer plain = Tokenizer.open(TestModels.tokenizer(without, false))) {
            assertThat(adds.beginToken()).isEqualTo(OptionalInt.of(TestModels.BEGIN));
            assertThat(plain.beginToken()).isEmpty();
        }
    }

    @Test
    void aTemplateStandsAgainstTheConfigurationUnlessTheClassGoesByIt(@TempDir Path folder) throws IOException {
        Path file = TestModels.tokenizer(folder, false).resolve("tokenizer.json");
        Files.writeString(file, Files.readString(file).replace("\"post_processor\":null", """
                "post_processor": {"type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                  "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                  "special_tokens": {"<s>": {"id": "<s>", "ids": [256], "tokens": ["<s>"]}}}"""));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.beginToken()).isEqualTo(OptionalInt.of(TestModels.BEGIN));
        }

        Path settings = folder.resolve("tokenizer_config.json");
        Files.writeString(
                settings, Files.readString(settings).replace("PreTrainedTokenizerFast", "LlamaTokenizerFast"));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.beginToken()).isEmpty();
        }
    }

    /** Beyond it the native library takes the memory of the machine, or ends the process. */
    @Test
    void aTextThatIsTooLongIsRefusedWithWhatToDo(@TempDir Path folder) throws IOException {
        assertThat(Tokenizer.refusal(32 << 20, 768 << 20)).isEmpty();
        assertThat(Tokenizer.refusal((32 << 20) + 1, 768 << 20))
                .contains("has 33554433 bytes, but a text may have 33554432 at most; cut it, for example with"
                        + " 'head -n'");
        assertThat(Tokenizer.refusal(32 << 20, 512 << 20))
                .contains("has 33554432 bytes, but a heap of 512 MiB is enough for 22369621; cut it, or give the"
                        + " process more, such as MILLRACE_JAVA_OPTS=-Xmx1g");
        String tooLong = "ä".repeat((16 << 20) + 1);

        try (Tokenizer tokenizer = Tokenizer.open(TestModels.tokenizer(folder, true))) {
            assertThatThrownBy(() -> tokenizer.encode(tooLong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("the text has 33554434 bytes");
        }
    }

    @Test
    void aFolderWithoutTokenizerIsNamed(@TempDir Path folder) {
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("tokenizer.json: missing");
    }
}
