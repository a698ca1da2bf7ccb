package io.millrace.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SummaryTest {
    @Test
    void figuresAreThoseComputedByHand() {
        // Window means: original 1.5 and 2.5; candidate 1.7 and 2.9; difference 0.2 and 0.4; KL 0.2 and 0.3; top 1 and
        // 1/2.
        WindowScores first = new WindowScores(
                new double[] {1, 2}, new double[] {1.1, 2.3}, new double[] {0.1, 0.3}, new double[] {1, 1});
        WindowScores second = new WindowScores(
                new double[] {2, 3}, new double[] {2.5, 3.3}, new double[] {0.2, 0.4}, new double[] {0, 1});

        QualityReport report = Summary.of(List.of(first, second));

        assertThat(report.originalPerplexity()).isCloseTo(Math.exp(2), within(1e-12));
        assertThat(report.candidatePerplexity()).isCloseTo(Math.exp(2.3), within(1e-12));
        assertThat(report.perplexityIncrease()).isCloseTo(Math.exp(0.3) - 1, within(1e-12));
        // Deviation of {0.2, 0.4} is 0.1 · √2, divided by √2 windows.
        assertThat(report.perplexityIncreaseError()).isCloseTo(Math.exp(0.3) * 0.1, within(1e-12));
        assertThat(report.klMean()).isCloseTo(0.25, within(1e-12));
        assertThat(report.klMeanError()).isCloseTo(0.05, within(1e-12));
        // Sorted 0.1 0.2 0.3 0.4; rank 0.99 · 3 = 2.97.
        assertThat(report.klP99()).isCloseTo(0.397, within(1e-12));
        assertThat(report.sameTopToken()).isEqualTo(0.75);
        assertThat(report.sameTopTokenError()).isCloseTo(0.25, within(1e-12));
        assertThat(report.windows()).isEqualTo(2);
        assertThat(report.scoredTokens()).isEqualTo(4);
    }

    @Test
    void aSharedShiftOfBothModelsDoesNotWidenTheErrorOfTheirDifference() {
        WindowScores easy =
                new WindowScores(new double[] {1}, new double[] {1.1}, new double[] {0.1}, new double[] {1});
        WindowScores hard =
                new WindowScores(new double[] {9}, new double[] {9.1}, new double[] {0.1}, new double[] {1});

        assertThat(Summary.of(List.of(easy, hard)).perplexityIncreaseError()).isCloseTo(0, within(1e-12));
    }

    @Test
    void aPerplexityThatNoNumberHoldsIsNoMeasurement() {
        double[] none = {0, 0};
        WindowScores large = new WindowScores(new double[] {1, 1}, new double[] {700, 710}, none, none);
        WindowScores tooLarge = new WindowScores(new double[] {1, 1}, new double[] {715, 710}, none, none);

        assertThat(Evaluation.judged(Summary.of(List.of(large, large)))).isInstanceOf(QualityReport.class);
        assertThat(Evaluation.judged(Summary.of(List.of(tooLarge, tooLarge))))
                .isInstanceOfSatisfying(
                        NotMeasured.class,
                        missing -> assertThat(missing.cause()).isEqualTo(NotMeasured.Cause.CANDIDATE_NOT_FINITE));
        WindowScores original = new WindowScores(new double[] {715, 710}, new double[] {1, 1}, none, none);
        assertThat(Evaluation.judged(Summary.of(List.of(original, original))))
                .isInstanceOfSatisfying(
                        NotMeasured.class,
                        missing -> assertThat(missing.cause()).isEqualTo(NotMeasured.Cause.ORIGINAL_NOT_FINITE));
    }

    @Test
    void aDivergenceThatIsNoNumberIsSeen() {
        double[] one = {1};

        assertThat(new WindowScores(one, one, one, one).finite()).isTrue();
        assertThat(new WindowScores(one, one, new double[] {Double.NaN}, one).finite())
                .isFalse();
    }
}
