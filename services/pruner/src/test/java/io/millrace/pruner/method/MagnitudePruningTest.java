package io.millrace.pruner.method;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MagnitudePruningTest {
    @ParameterizedTest
    @CsvSource({
        "0.29, 100, 29",
        "0.57, 100, 57",
        "0.1, 30, 3",
        "0.55, 1100, 605",
        "0.5, 7, 3",
        "0.999, 1000, 999",
        "0.29, 99, 28",
        "1e-12, 1000000000, 0",
        "0.07, 100000000000000, 7000000000000"
    })
    void aFractionIsTheDecimalNumberThatItIsWrittenAs(double fraction, long weights, long removed) {
        assertThat(MagnitudePruning.removed(fraction, weights)).isEqualTo(removed);
    }
}
