package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
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
    void aFolderWithoutTokenizerIsNamed(@TempDir Path folder) {
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("tokenizer.json: missing");
    }
}
