package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenStreamTest {
    private static final TokenStream STREAM =
            new TokenStream(IntStream.range(100, 125).toArray(), OptionalInt.of(1));

    @Test
    void windowsDoNotOverlapAndStartWithTheBeginToken() {
        assertThat(STREAM.windows(8)).isEqualTo(3);
        assertThat(STREAM.window(0, 8)).containsExactly(1, 101, 102, 103, 104, 105, 106, 107);
        assertThat(STREAM.window(2, 8)).containsExactly(1, 117, 118, 119, 120, 121, 122, 123);
    }

    @Test
    void withoutABeginTokenWindowsAreThePlainText() {
        assertThat(new TokenStream(STREAM.tokens(), OptionalInt.empty()).window(1, 3))
                .containsExactly(103, 104, 105);
    }

    @Test
    void aBatchDependsOnSeedAndStepAlone() {
        assertThat(STREAM.batch(7, 3, 4, 5)).isDeepEqualTo(STREAM.batch(7, 3, 4, 5));
        assertThat(STREAM.batch(7, 4, 4, 5)).isNotEqualTo(STREAM.batch(7, 3, 4, 5));
        assertThat(STREAM.batch(8, 3, 4, 5)).isNotEqualTo(STREAM.batch(7, 3, 4, 5));
    }

    @Test
    void theModelMustHaveEveryTokenOfTheText() throws Exception {
        STREAM.requireBelow(125);

        assertThatThrownBy(() -> STREAM.requireBelow(124))
                .hasMessageContaining("turns the text into token 124, but the model has 124 tokens");
    }

    @Test
    void aTextShorterThanAPieceIsRefused() {
        assertThat(STREAM.batch(1, 1, 2, 25)[1]).hasSize(25).endsWith(124);
        assertThatThrownBy(() -> STREAM.batch(1, 1, 1, 26)).hasMessageContaining("has 25 tokens; pieces of 26");
    }
}
