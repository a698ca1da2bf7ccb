package io.millrace.events.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTest {
    private static final List<String> WORDS =
            List.of("Q2_K", "Q3_K_S", "Q4_0", "Q4_K_M", "Q4_K_S", "policy", "sequences", "split-max-size");

    @ParameterizedTest
    @CsvSource({
        "plicy, policy",
        "poliicy, policy",
        "pollcy, policy",
        "sequecnes, sequences",
        "Q4_K, Q4_K_M",
        "Q4, Q4_0",
        "split, split-max-size",
        "split-max, split-max-size"
    })
    void whatWasProbablyMeantIsFound(String found, String meant) {
        assertThat(Nearest.to(found, WORDS)).contains(meant);
    }

    @Test
    void whatIsNoSlipIsNotGuessedAt() {
        assertThat(Nearest.to("temperature", WORDS)).isEmpty();
        assertThat(Nearest.to("seq", WORDS)).as("it ends within a word").isEmpty();
        assertThat(Nearest.to("policy", List.of())).isEmpty();
    }

    /** Letters that changed places are one slip: else the other word, with two letters replaced, were as near. */
    @Test
    void lettersThatChangedPlacesAreOneSlip() {
        assertThat(Nearest.to("abc", List.of("axy", "bac"))).contains("bac");
    }
}
