package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Digest;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Reason;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.JobResult;
import io.millrace.store.Manifest;
import io.millrace.worker.FakeStage;
import io.millrace.worker.StageException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a job has from the store and gives to it, also when the store is away, fails or loses something. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class JobAndStoreTest extends JobProtocolFixture {
    @Test
    void committedKeyIsAnsweredFromTheStore() throws Exception {
        run((input, workspace) -> {});
        published.clear();

        run((input, workspace) -> {
            throw new IllegalStateException("computed twice");
        });

        assertThat(only(JobSucceeded.class).fromStore()).isTrue();
        assertThat(published).hasSize(1);
    }

    @Test
    void resultWhoseFilesAreGoneIsComputedAgain() throws Exception {
        JobResult damaged = new JobResult(
                job.key(),
                ArtifactRef.inStore(Digest.of("gone")),
                1,
                List.of(),
                new Cost(Duration.ZERO, 0, 0),
                "writer");
        memory.commit(damaged);

        run((input, workspace) -> {});

        assertThat(only(JobSucceeded.class).fromStore()).isFalse();
        assertThat(memory.result(job.key()).orElseThrow().output()).isNotEqualTo(damaged.output());
    }

    @Test
    void inputThatIsNotThereIsNamed() throws Exception {
        job = job(ArtifactRef.inStore(Digest.of("nothing")));

        run((input, workspace) -> {});

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.CHECKPOINT_MISSING);
        assertThat(only(JobFailed.class).failure().message()).contains("model");
    }

    @Test
    void storeThatDoesNotAnswerBeforeTheWorkIsReported() throws Exception {
        store = failing("result", Integer.MAX_VALUE);

        run((input, workspace) -> {});

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.STORE_UNREACHABLE);
        assertThat(only(JobFailed.class).retryAfter()).isPositive();
    }

    /** Else a checkpoint would be blamed for killing its workers, and its run would end. */
    @Test
    void outagesOfTheStoreAreNoLostWorkers() throws Exception {
        AtomicBoolean away = new AtomicBoolean();
        AtomicInteger outages = new AtomicInteger(ClaimKeeper.MAX_STARTS);
        store = absentWhile(away);
        FakeStage.Work work = (input, workspace) -> {
            if (outages.getAndDecrement() > 0) {
                away.set(true);
                throw new StageException(Reason.STORE_UNREACHABLE, "connection reset");
            }
        };
        JobProtocol protocol = protocol(work, time(() -> {}), Duration.ofMinutes(1));

        for (int attempt = 0; attempt <= ClaimKeeper.MAX_STARTS; attempt++) {
            protocol.run(running());
            away.set(false);
        }

        assertThat(published)
                .filteredOn(JobStarted.class::isInstance)
                .extracting(event -> ((JobStarted) event).starts())
                .containsExactly(1, 1, 1, 1);
        assertThat(only(JobSucceeded.class).fromStore()).isFalse();
        assertThat(memory.claim(job.key())).isEmpty();
    }

    @Test
    void finishedOutputIsCommittedWhenTheStoreIsBack() throws Exception {
        store = failing("commit", 1);
        AtomicInteger computed = new AtomicInteger();

        run((input, workspace) -> computed.incrementAndGet());

        assertThat(only(JobSucceeded.class).fromStore()).isFalse();
        assertThat(computed).hasValue(1);
    }

    /** The folder that jobs work in may be cleaned up by others; without this the job would wait for the store for ever. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anOutputThatIsRemovedBeforeItIsStoredIsMadeAgain(boolean storeAnswers) throws Exception {
        AtomicInteger computed = new AtomicInteger();
        store = whoseOutputLosesAFile(storeAnswers);
        run((input, workspace) -> computed.incrementAndGet());

        JobFailed failed = only(JobFailed.class);
        assertThat(failed.failure().reason()).isEqualTo(Reason.STAGE_ERROR);
        assertThat(failed.failure().message()).contains("model.txt was removed", "--work-folder");
        assertThat(memory.result(job.key())).isEmpty();

        store = memory;
        run((input, workspace) -> computed.incrementAndGet());

        assertThat(memory.manifest(only(JobSucceeded.class).output()).files())
                .extracting(Manifest.Entry::name)
                .containsExactly("model.txt");
        assertThat(computed).hasValue(2);
    }

    /** It was there before this work, or came while it was done; its blobs were lost. */
    @Test
    void aResultWhoseFilesAreGoneGivesWayToFinishedWork() throws Exception {
        JobResult other = new JobResult(
                job.key(),
                ArtifactRef.inStore(Digest.of("gone")),
                1,
                List.of(),
                new Cost(Duration.ZERO, 0, 0),
                "other");

        run((input, workspace) -> memory.commit(other));

        assertThat(only(JobSucceeded.class).output()).isNotEqualTo(other.output());
        assertThat(memory.isComplete(only(JobSucceeded.class).output())).isTrue();
    }

    @Test
    void digestsThatTheStageKnowsReachTheStoreByTheNamesOfItsFiles() throws Exception {
        List<Object> told = new ArrayList<>();
        store = (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (proxy, called, arguments) -> {
                    if (called.getName().equals("publishFolder")) {
                        told.addAll(List.of(arguments));
                    }
                    return called.invoke(memory, arguments);
                });
        Digest digest = Digest.of("output");

        run((input, workspace) -> {
            Path file = workspace.folder().resolve("known.bin");
            workspace.digests().orElseThrow().accept(file, digest);
        });

        assertThat(told).hasSize(3);
        Path folder = (Path) told.getFirst();
        assertThat(told.getLast())
                .isEqualTo(Map.of(folder.toAbsolutePath().getParent().resolve("known.bin"), digest));
    }

    /** Crashes are planted where the output is finished and before anything of it is stored. */
    @Test
    void workThatWasFinishedBeforeACrashIsStoredWithItsMeasurementsAndItsCostAndNotDoneAgain() throws Exception {
        AtomicLong nanos = new AtomicLong();
        AtomicInteger computed = new AtomicInteger();
        FakeStage.Work work = (input, workspace) -> {
            computed.incrementAndGet();
            nanos.addAndGet(Duration.ofSeconds(40).toNanos());
        };
        store = dyingAtPublication();
        assertThatThrownBy(() -> protocol(work, nanos::get).run(new RunningJob(job, Duration.ofHours(1), nanos::get)))
                .hasMessage("killed");
        assertThat(published).noneMatch(JobSucceeded.class::isInstance);
        nanos.addAndGet(Duration.ofDays(1).toNanos());

        store = memory;
        protocol(work, nanos::get).run(new RunningJob(job, Duration.ofHours(1), nanos::get));

        JobSucceeded succeeded = only(JobSucceeded.class);
        assertThat(computed).hasValue(1);
        assertThat(succeeded.measurements()).containsExactly(FakeStage.MEASUREMENT);
        assertThat(succeeded.cost()).isEqualTo(new Cost(Duration.ofSeconds(40), 7, 7));
        assertThat(memory.manifest(succeeded.output()).files())
                .extracting(Manifest.Entry::name)
                .containsExactly("model.txt");
        assertNothingLeft();
    }

    @Test
    void finishedOutputThatWaitsForTheStoreSurvivesAShutdown() throws Exception {
        AtomicInteger computed = new AtomicInteger();
        RunningJob stopped = running();
        store = failing("commit", Integer.MAX_VALUE);
        run(stopped, (input, workspace) -> {
            computed.incrementAndGet();
            stopped.interrupt(Interruption.SHUTDOWN);
            Thread.interrupted();
        });
        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.SHUTDOWN);

        store = memory;
        run((input, workspace) -> computed.incrementAndGet());

        assertThat(only(JobSucceeded.class).measurements()).containsExactly(FakeStage.MEASUREMENT);
        assertThat(computed).hasValue(1);
    }

    /** Another slot filled the heap. Without an event the record would come again at once, until it may come no more. */
    @ParameterizedTest
    @ValueSource(strings = {"claim", "checkOut", "publishFolder", "commit"})
    void memoryThatRunsOutAroundTheStageIsReported(String method) throws Exception {
        store = dyingAt(method, new OutOfMemoryError("Java heap space"));

        assertThatCode(() -> assertThat(run((_, _) -> {}).published()).isTrue()).doesNotThrowAnyException();

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.OUT_OF_MEMORY);
        assertThat(only(JobFailed.class).failure().message()).contains("Java heap space", "fewer --slots");
        assertThat(memory.claim(job.key())).isEmpty();
    }
}
