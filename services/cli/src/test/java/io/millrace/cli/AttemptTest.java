package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.ModelName;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class AttemptTest {
    private static final Instant START = Instant.parse("2026-11-24T12:00:00Z");
    private static final JobRef FIRST = job(1);
    private static final JobRef SECOND = job(2);

    @Test
    void eachTryIsThereWithItsWorkerItsTimeAndItsReason() {
        List<Attempt> attempts = Attempt.of(List.of(
                new JobStarted(FIRST, at(0), "host:1:q", 1),
                new JobProgressed(FIRST, at(1), 1, 2, "rows"),
                new JobFailed(FIRST, at(9), new Failure(Reason.STALLED, "no progress"), Duration.ZERO),
                new JobStarted(SECOND, at(11), "host:2:q", 1),
                succeeded(SECOND, 14, false)));

        assertThat(attempts)
                .extracting(Attempt::text)
                .containsExactly(
                        "2026-11-24T12:00:00Z  quantize on cpu, job "
                                + FIRST.key().digest().abbreviated()
                                + ", attempt 1 by host:1:q: failed after 9 s: stalled: no progress",
                        "2026-11-24T12:00:11Z  quantize on cpu, job "
                                + FIRST.key().digest().abbreviated() + ", attempt 2 by host:2:q: succeeded after 3 s");
    }

    /** The second worker takes the lost one's attempt over; what it says must not close the lost one's try. */
    @Test
    void aWorkerThatWasLostHasNotReported() {
        List<Attempt> attempts = Attempt.of(List.of(
                new JobStarted(FIRST, at(0), "host:1:q", 1),
                new JobStarted(FIRST, at(5), "host:2:q", 2),
                succeeded(FIRST, 8, false)));

        assertThat(attempts)
                .extracting(attempt -> attempt.text().replaceFirst(".*: ", ""))
                .containsExactly("has not reported", "succeeded after 3 s");
    }

    @Test
    void whatEndsBeforeItBeginsIsATryOfItsOwn() {
        List<Attempt> attempts = Attempt.of(List.of(
                new JobFailed(FIRST, at(0), new Failure(Reason.CLAIMED, "by host:9:q"), Duration.ofSeconds(10)),
                succeeded(FIRST, 12, true)));

        assertThat(attempts)
                .extracting(attempt -> attempt.text().replaceFirst(".*attempt 1", ""))
                .containsExactly(": failed: claimed: by host:9:q", ": answered from the store");
    }

    private static JobSucceeded succeeded(JobRef job, int second, boolean fromStore) {
        return new JobSucceeded(
                job,
                at(second),
                ArtifactRef.inStore(Digest.of("output")),
                1,
                List.of(),
                new Cost(Duration.ofSeconds(3), 1, 1),
                fromStore);
    }

    private static Instant at(int second) {
        return START.plusSeconds(second);
    }

    private static JobRef job(int attempt) {
        return new JobRef(
                new JobKey(Digest.of("job")),
                new ModelName("chat"),
                new RunId(Digest.of("run")),
                attempt,
                StageName.QUANTIZE,
                Device.CPU);
    }
}
