package io.millrace.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class GateTest {
    private static final Limit PERPLEXITY = new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05);
    private static final Limit TOP_TOKEN = new Limit(Metric.SAME_TOP_TOKEN, Limit.Comparison.AT_LEAST, 0.9);
    private static final Limit SPEED = new Limit(Metric.GENERATION_RATE, Limit.Comparison.AT_LEAST, 20);

    private final Gate gate = new Gate(List.of(PERPLEXITY, TOP_TOKEN, SPEED));

    @Test
    void candidateThatKeepsEveryLimitIsAcceptedWithItsEvidence() {
        List<Measurement> evidence = List.of(
                measured(Metric.PERPLEXITY_INCREASE, 0.05),
                measured(Metric.SAME_TOP_TOKEN, 0.9),
                measured(Metric.GENERATION_RATE, 20));

        Decision decision = gate.decide(evidence);

        assertThat(decision).isInstanceOf(Decision.Accepted.class);
        assertThat(decision.evidence()).isEqualTo(evidence);
        assertThat(decision.verdicts()).hasSize(3).allMatch(Verdict::kept);
    }

    @Test
    void anyLimitThatIsBrokenRefusesWhereverItStands() {
        for (int broken = 0; broken < 3; broken++) {
            List<Measurement> evidence = List.of(
                    measured(Metric.PERPLEXITY_INCREASE, broken == 0 ? 0.06 : 0),
                    measured(Metric.SAME_TOP_TOKEN, broken == 1 ? 0.8 : 1),
                    measured(Metric.GENERATION_RATE, broken == 2 ? 19 : 21));

            assertThat(gate.decide(evidence)).as("limit %d", broken).isInstanceOf(Decision.Refused.class);
        }
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a limit on what is not in the evidence is broken")
    void metricThatIsNotInTheEvidenceBreaksItsLimit() {
        Decision decision =
                gate.decide(List.of(measured(Metric.PERPLEXITY_INCREASE, 0), measured(Metric.SAME_TOP_TOKEN, 1)));

        assertThat(decision)
                .isInstanceOfSatisfying(
                        Decision.Refused.class,
                        refused -> assertThat(refused.reasons()).isEqualTo("generation-rate was not measured"));
    }

    @Test
    void metricThatCouldNotBeMeasuredBreaksItsLimitAndSaysWhy() {
        Decision decision = new Gate(List.of(SPEED))
                .decide(List.of(Measurement.missing(Metric.GENERATION_RATE, Device.CPU, "no runtime")));

        assertThat(decision)
                .isInstanceOfSatisfying(
                        Decision.Refused.class,
                        refused -> assertThat(refused.reasons())
                                .isEqualTo("generation-rate was not measured: no runtime"));
    }

    @Test
    void valueWithinTheLimitButNotByItsErrorIsRefused() {
        assertThat(PERPLEXITY
                        .judge(List.of(measured(Metric.PERPLEXITY_INCREASE, 0.04, 0.006)))
                        .kept())
                .isTrue();
        assertThat(PERPLEXITY
                        .judge(List.of(measured(Metric.PERPLEXITY_INCREASE, 0.04, 0.0061)))
                        .kept())
                .isFalse();
        assertThat(TOP_TOKEN
                        .judge(List.of(measured(Metric.SAME_TOP_TOKEN, 0.92, 0.0121)))
                        .kept())
                .isTrue();
        assertThat(TOP_TOKEN
                        .judge(List.of(measured(Metric.SAME_TOP_TOKEN, 0.92, 0.0122)))
                        .kept())
                .isFalse();
    }

    @Test
    void qualityIsDecidedWithoutTheLimitsOnSpeed() {
        Decision decision = gate.decideQuality(
                List.of(measured(Metric.PERPLEXITY_INCREASE, 0.01), measured(Metric.SAME_TOP_TOKEN, 0.99)));

        assertThat(decision).isInstanceOf(Decision.Accepted.class);
        assertThat(decision.verdicts()).extracting(Verdict::limit).containsExactly(PERPLEXITY, TOP_TOKEN);
    }

    @Test
    void explanationsNameValueErrorAndBound() {
        assertThat(PERPLEXITY
                        .judge(List.of(measured(Metric.PERPLEXITY_INCREASE, 0.0631, 0.01)))
                        .explanation())
                .isEqualTo("perplexity-increase 0.06310 ± 0.01645 (1.645 standard errors) breaks <= 0.05");
    }

    @Test
    void explanationsOfSizesHaveUnitsThatPeopleRead() {
        Limit size = new Limit(Metric.SIZE, Limit.Comparison.AT_MOST, 1e8);

        assertThat(size.judge(List.of(measured(Metric.SIZE, 105_512_345))).explanation())
                .isEqualTo("size 100.6 MiB breaks <= 95.4 MiB");
        assertThat(size.judge(List.of(measured(Metric.SIZE, 52_428_800))).explanation())
                .isEqualTo("size 50.0 MiB keeps <= 95.4 MiB");
        assertThat(size.judge(List.of(measured(Metric.SIZE, 100_000_512))).explanation())
                .isEqualTo("size 100000512 B breaks <= 100000000 B");
        assertThat(size.judge(List.of(measured(Metric.SIZE, 1e8))).explanation())
                .isEqualTo("size 95.4 MiB keeps <= 95.4 MiB");
    }

    @Test
    void gateWithoutLimitsAndLimitsWithoutBoundsDoNotExist() {
        assertThatThrownBy(() -> new Gate(List.of())).hasMessageContaining("at least one limit");
        assertThatThrownBy(() -> new Limit(Metric.SIZE, Limit.Comparison.AT_MOST, Double.NaN))
                .hasMessageContaining("'size'");
    }

    @Test
    void measurementThatIsNoNumberDoesNotExist() {
        assertThatThrownBy(() -> measured(Metric.PERPLEXITY, Double.NaN)).hasMessageContaining("not a finite number");
        assertThatThrownBy(() -> Measurement.missing(Metric.PERPLEXITY, Device.CPU, ""))
                .hasMessage("'perplexity' has no value and no note that says why");
    }

    private static Measurement measured(Metric metric, double value) {
        return measurement(metric, value, OptionalDouble.empty());
    }

    private static Measurement measured(Metric metric, double value, double standardError) {
        return measurement(metric, value, OptionalDouble.of(standardError));
    }

    private static Measurement measurement(Metric metric, double value, OptionalDouble standardError) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                standardError,
                OptionalDouble.empty(),
                metric.unit(),
                "test",
                Device.CPU,
                64,
                Optional.empty(),
                "");
    }
}
