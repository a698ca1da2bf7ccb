package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.StageName;
import io.millrace.store.JobResult;
import io.millrace.worker.commit.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WorkerMetricsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final WorkerMetrics metrics = new WorkerMetrics(registry, 3);

    private static Outcome succeeded(boolean fromStore) {
        return new Outcome.Succeeded(
                new JobResult(
                        new JobKey(Digest.of("job")),
                        ArtifactRef.inStore(Digest.of("output")),
                        20,
                        List.of(),
                        new Cost(Duration.ofSeconds(7), 50, 20),
                        "writer"),
                fromStore);
    }

    private void end(Outcome outcome) {
        metrics.began(StageName.PRUNE, Device.CPU, Duration.ofSeconds(4));
        metrics.ended(
                StageName.PRUNE,
                Device.CPU,
                Optional.of(outcome),
                Duration.ofSeconds(5).toNanos());
    }

    /** What was in the store moved no bytes and has an outcome of its own. */
    @Test
    void bytesAreCountedOfWhatWasComputedAndEachOutcomeByItself() {
        end(succeeded(false));
        end(succeeded(true));

        assertThat(count("millrace.worker.bytes.in", "device", "cpu")).isEqualTo(50);
        assertThat(count("millrace.worker.bytes.out", "device", "cpu")).isEqualTo(20);
        for (String outcome : List.of("succeeded", "from-store")) {
            assertThat(count("millrace.worker.jobs", "outcome", outcome)).isEqualTo(1);
            assertThat(registry.get("millrace.worker.job.duration")
                            .tag("outcome", outcome)
                            .timer()
                            .totalTime(TimeUnit.SECONDS))
                    .isEqualTo(5);
        }
    }

    @Test
    void aSlotIsBusyUntilItsJobHasEnded() {
        metrics.began(StageName.PRUNE, Device.CPU, Duration.ZERO);
        assertThat(registry.get("millrace.worker.slots.busy").gauge().value()).isEqualTo(1);
        assertThat(registry.get("millrace.worker.slots").gauge().value()).isEqualTo(3);

        metrics.ended(StageName.PRUNE, Device.CPU, Optional.empty(), 0);

        assertThat(registry.get("millrace.worker.slots.busy").gauge().value()).isZero();
    }

    /** The broker's clock may be ahead; the job was in the queue all the same. */
    @Test
    void anAgeOfLessThanNothingIsNone() {
        metrics.began(StageName.PRUNE, Device.CPU, Duration.ofSeconds(-4));

        assertThat(registry.get("millrace.worker.queue.age").timer().count()).isEqualTo(1);
    }

    private double count(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }
}
