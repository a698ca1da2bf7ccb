package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.store.Claim;
import io.millrace.worker.FakeStage;
import io.millrace.worker.Stages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The numbers that a worker tells of its work. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class ToldWorkTest extends JobProtocolFixture {
    private final AtomicLong nanos = new AtomicLong(Duration.ofDays(3).toNanos());

    private RunningJob onThisClock() {
        return new RunningJob(job, Duration.ofHours(1), nanos::get);
    }

    /** The job reads a second input of 11 bytes; its output has the 7 of the model. */
    @Test
    void theCostIsTheTimeOfTheWorkAndWhatWentInAndCameOut() throws Exception {
        Path other = Files.createDirectories(folder.resolve("original"));
        Files.writeString(other.resolve("model.txt"), "the weights");
        ArtifactRef original = memory.publishFolder(other, new TreeMap<>());
        job = new Job(
                job.model(),
                job.run(),
                1,
                Map.of(Role.MODEL, job.inputs().get(Role.MODEL), Role.ORIGINAL, original),
                job.parameters(),
                new Device("h100"),
                41);

        protocol(
                        (input, _) -> {
                            assertThat(input.seed()).isEqualTo(41);
                            assertThat(input.device()).isEqualTo(new Device("h100"));
                            nanos.addAndGet(Duration.ofSeconds(40).toNanos());
                        },
                        nanos::get)
                .run(onThisClock());

        JobSucceeded succeeded = only(JobSucceeded.class);
        assertThat(succeeded.cost()).isEqualTo(new Cost(Duration.ofSeconds(40), 18, 7));
        assertThat(succeeded.sizeBytes()).isEqualTo(7);
        assertThat(memory.manifest(succeeded.output()).metadata())
                .containsEntry("millrace.stage", "prune")
                .containsEntry(
                        "millrace.method", "magnitude/" + job.parameters().version());
    }

    @Test
    void progressIsWhatIsDoneOfAll() throws Exception {
        protocol(
                        (_, workspace) -> {
                            workspace.progress(3, 9, "layers");
                            nanos.addAndGet(Duration.ofSeconds(2).toNanos());
                            while (published.stream().noneMatch(JobProgressed.class::isInstance)) {
                                Thread.onSpinWait();
                            }
                        },
                        nanos::get)
                .run(onThisClock());

        JobProgressed progressed = only(JobProgressed.class);
        assertThat(progressed.done()).isEqualTo(3);
        assertThat(progressed.total()).isEqualTo(9);
        assertThat(progressed.message()).isEqualTo("layers");
    }

    /** Another worker may have the stage; to the recipe it says nothing. */
    @Test
    void aStageThatThisWorkerLacksIsAMatterOfItsVersion() throws Exception {
        job = new Job(job.model(), job.run(), 1, job.inputs(), new Parameters.Gguf("Q8_0"), Device.CPU, 0);

        protocol(new Stages(List.of(new FakeStage((_, _) -> {}))), time(() -> {}), Duration.ofHours(1))
                .run(running());

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.VERSION_MISMATCH);
    }

    @Test
    void whoMeetsALiveClaimAsksAgainAfterTenOfItsBeats() throws Exception {
        memory.replaceClaim(Optional.empty(), new Claim(job.key(), "other", 1, 1));
        AtomicLong beat = new AtomicLong(1);

        run(
                (_, _) -> {},
                time(() -> memory.replaceClaim(
                        memory.claim(job.key()), new Claim(job.key(), "other", 1, beat.incrementAndGet()))));

        assertThat(only(JobFailed.class).retryAfter())
                .isEqualTo(memory.beatInterval().multipliedBy(10));
    }
}
