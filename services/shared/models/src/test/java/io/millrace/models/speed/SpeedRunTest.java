package io.millrace.models.speed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.millrace.models.LayerWatch;
import io.millrace.models.WorkProgress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpeedRunTest {
    private long nanos;
    private final List<String> order = new ArrayList<>();

    @Test
    void modelsAlternateAndRatesAreTokensOverTime() throws InterruptedException {
        SpeedPlan plan = new SpeedPlan(1, 10, 5, 2);

        SpeedRun.Runs runs = SpeedRun.alternate(
                new Fake("original", 1000), new Fake("candidate", 500), plan, () -> nanos, WorkProgress.NONE);

        assertThat(order).containsExactly("original", "candidate", "original", "candidate", "candidate", "original");
        assertThat(runs.original()).hasSize(2);
        assertThat(runs.original().getFirst().promptPerSecond()).isCloseTo(10 / 1000e-9, within(1e-3));
        assertThat(runs.original().getFirst().generationPerSecond()).isCloseTo(5 / 5000e-9, within(1e-3));
        assertThat(runs.candidate().getLast().generationPerSecond()).isCloseTo(5 / 2500e-9, within(1e-3));
    }

    @Test
    void progressMovesWithEachTokenUpToThePlansTotal() throws InterruptedException {
        List<Long> told = new ArrayList<>();
        SpeedPlan plan = new SpeedPlan(1, 10, 2, 1);

        var _ = SpeedRun.alternate(
                new Fake("original", 1), new Fake("candidate", 1), plan, () -> nanos, (done, total, what) -> {
                    assertThat(total).isEqualTo(48);
                    told.add(done);
                });

        assertThat(told).containsExactly(10L, 11L, 12L, 22L, 23L, 24L, 34L, 35L, 36L, 46L, 47L, 48L);
    }

    @Test
    void anInterruptEndsItBeforeTheNextToken() {
        SpeedPlan plan = new SpeedPlan(1, 10, 5, 2);
        WorkProgress interrupting = (done, total, what) -> {
            if (done == 12) {
                Thread.currentThread().interrupt();
            }
        };

        assertThatThrownBy(() -> SpeedRun.alternate(
                        new Fake("original", 1), new Fake("candidate", 1), plan, () -> nanos, interrupting))
                .isInstanceOf(InterruptedException.class)
                .hasMessageContaining("token 12 of 90");
        assertThat(nanos).isEqualTo(3);
    }

    @Test
    void aSpreadIsMedianAndRange() {
        assertThat(Spread.of(new double[] {5, 1, 3})).isEqualTo(new Spread(3, 1, 5));
        assertThat(Spread.of(new double[] {4, 1})).isEqualTo(new Spread(2.5, 1, 4));
    }

    @Test
    void eachSpreadOfAReportIsOfItsOwnModelAndRate() {
        SpeedReport report = new SpeedReport(
                "a runtime",
                new SpeedPlan(1, 8, 3, 2),
                List.of(new Rates(1, 10), new Rates(2, 20)),
                List.of(new Rates(100, 1000), new Rates(200, 2000)));

        assertThat(report.originalPrompt()).isEqualTo(new Spread(1.5, 1, 2));
        assertThat(report.originalGeneration()).isEqualTo(new Spread(15, 10, 20));
        assertThat(report.candidatePrompt()).isEqualTo(new Spread(150, 100, 200));
        assertThat(report.candidateGeneration()).isEqualTo(new Spread(1500, 1000, 2000));
    }

    /** Takes the same time for each call. */
    private final class Fake implements SpeedRun.Subject {
        private final String name;
        private final long nanosPerCall;

        Fake(String name, long nanosPerCall) {
            this.name = name;
            this.nanosPerCall = nanosPerCall;
        }

        @Override
        public int vocabularySize() {
            return 100;
        }

        @Override
        public void clear() {
            order.add(name);
        }

        @Override
        public void feed(int[] tokens, LayerWatch<InterruptedException> watch) {
            nanos += nanosPerCall;
        }
    }
}
