package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobRef;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Claim;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.JobResult;
import io.millrace.store.Manifest;
import io.millrace.store.MemoryStore;
import io.millrace.store.MonotonicTime;
import io.millrace.worker.FakeStage;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Stages;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each way a job can end, without Kafka. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class JobProtocolTest {
    private static final Duration TICK = Duration.ofMillis(5);

    @TempDir
    Path folder;

    private final MemoryStore memory = new MemoryStore();
    private final List<Event> published = new CopyOnWriteArrayList<>();
    private final Set<JobRef> cancelled = new HashSet<>();
    private Predicate<Event> kafkaTakes = _ -> true;
    private ArtifactStore store = memory;
    private Job job;

    @BeforeEach
    void storeAModel() throws IOException {
        Path source = Files.createDirectories(folder.resolve("source"));
        Files.writeString(source.resolve("model.txt"), "weights");
        job = job(memory.publishFolder(source, new TreeMap<>()));
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: success is published after the commit")
    void startIsPublishedBeforeTheWorkAndSuccessAfterTheCommit() throws Exception {
        run((input, workspace) -> assertThat(published).singleElement().isInstanceOf(JobStarted.class));

        JobSucceeded succeeded = only(JobSucceeded.class);
        assertThat(succeeded.fromStore()).isFalse();
        assertThat(memory.result(job.key()).orElseThrow().output()).isEqualTo(succeeded.output());
        assertThat(memory.claim(job.key())).isEmpty();
        assertNothingLeft();
    }

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

    /** A checkpoint stays in a folder that others may write to; what was made of two of them is nobody's. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void checkpointThatChangesWhileTheStageReadsItIsWhatFailed(boolean stageFails) throws Exception {
        Path weights = Files.writeString(
                Files.createDirectories(folder.resolve("in-place")).resolve("model.txt"), "weights");
        Manifest manifest = new Manifest(
                List.of(Manifest.Entry.of("model.txt", weights, OutputStream.nullOutputStream())), new TreeMap<>());
        Digest digest = memory.put(manifest.canonicalJson().getBytes(StandardCharsets.UTF_8));
        job = job(new ArtifactRef(digest, folder.resolve("in-place").toUri()));

        run((input, workspace) -> {
            Files.writeString(weights, "WEIGHTS");
            if (stageFails) {
                throw new InternalError("a fault occurred in an unsafe memory access operation");
            }
        });

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.CHECKPOINT_CHANGED);
        assertThat(only(JobFailed.class).failure().message()).contains("model.txt", "publish it again");
        assertThat(memory.result(job.key())).isEmpty();
    }

    @Test
    void cancelledJobSaysNothing() throws Exception {
        cancelled.add(JobRef.of(job));

        JobProtocol.Ended ended = run((input, workspace) -> {});

        assertThat(published).isEmpty();
        assertThat(ended.published()).isTrue();
    }

    @Test
    void liveClaimElsewhereIsReportedWithAPause() throws Exception {
        memory.replaceClaim(Optional.empty(), new Claim(job.key(), "other", 1, 1));
        AtomicLong beat = new AtomicLong(1);
        MonotonicTime time = time(() ->
                memory.replaceClaim(memory.claim(job.key()), new Claim(job.key(), "other", 1, beat.incrementAndGet())));

        run((input, workspace) -> {}, time);

        JobFailed failed = only(JobFailed.class);
        assertThat(failed.failure().reason()).isEqualTo(Reason.CLAIMED);
        assertThat(failed.failure().message()).contains("other");
        assertThat(failed.retryAfter()).isPositive();
        assertThat(memory.claim(job.key()).orElseThrow().holder()).isEqualTo("other");
    }

    @Test
    void jobThatThreeProcessesBeganIsLostAndARetryCountsAnew() throws Exception {
        memory.replaceClaim(Optional.empty(), new Claim(job.key(), "dead", 3, 1));

        run((input, workspace) -> {}, time(() -> {}));

        JobFailed failed = only(JobFailed.class);
        assertThat(failed.failure().reason()).isEqualTo(Reason.WORKER_LOST);
        assertThat(failed.failure().message()).contains("3 processes", "dead");
        assertThat(memory.claim(job.key())).isEmpty();
    }

    /** Nobody knows of it yet, so the next delivery has to say it. */
    @Test
    void jobThatThreeProcessesBeganStaysLostUntilThatIsPublished() throws Exception {
        Claim third = new Claim(job.key(), "dead", 3, 1);
        memory.replaceClaim(Optional.empty(), third);
        kafkaTakes = _ -> false;

        JobProtocol.Ended ended = run((input, workspace) -> {}, time(() -> {}));

        assertThat(ended.published()).isFalse();
        assertThat(memory.claim(job.key())).contains(third);
    }

    /** A process that dies in between is one of those that began the job and did not report. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theClaimStandsUntilTheEndIsPublished(boolean succeeds) throws Exception {
        List<Boolean> claimed = new ArrayList<>();
        kafkaTakes = _ -> claimed.add(memory.claim(job.key()).isPresent());

        run((input, workspace) -> {
            if (!succeeds) {
                throw new StageException(Reason.NOT_FINITE, "lm_head.weight has 3 NaN");
            }
        });

        assertThat(claimed).containsExactly(true, true);
        assertThat(memory.claim(job.key())).isEmpty();
    }

    @Test
    void workWhoseStartCannotBePublishedIsNotBegun() throws Exception {
        kafkaTakes = event -> !(event instanceof JobStarted);
        AtomicInteger computed = new AtomicInteger();

        run((input, workspace) -> computed.incrementAndGet());

        assertThat(computed).hasValue(0);
        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.SHUTDOWN);
    }

    /** It would fail at each delivery, and after the last one the job would be gone without a word. */
    @Test
    void anEndThatIsTooLargeToPublishIsToldAsAFailure() throws Exception {
        kafkaTakes = event -> {
            if (event instanceof JobSucceeded) {
                throw new IllegalArgumentException("an event is too large to publish");
            }
            return true;
        };

        JobProtocol.Ended ended = run((input, workspace) -> {});

        assertThat(ended.published()).isTrue();
        assertThat(only(JobFailed.class).failure().message()).isEqualTo("an event is too large to publish");
    }

    @Test
    void deadWorkersJobIsBegunAgainWithRaisedStarts() throws Exception {
        memory.replaceClaim(Optional.empty(), new Claim(job.key(), "dead", 1, 1));

        run((input, workspace) -> {}, time(() -> {}));

        assertThat(only(JobStarted.class).starts()).isEqualTo(2);
        assertThat(only(JobSucceeded.class)).isNotNull();
    }

    @Test
    void failureOfTheStageIsReportedAndTheClaimDropped() throws Exception {
        run((input, workspace) -> {
            throw new StageException(Reason.NOT_FINITE, "lm_head.weight has 3 NaN");
        });

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.NOT_FINITE);
        assertThat(memory.claim(job.key())).isEmpty();
        assertNothingLeft();
    }

    @Test
    void errorOfTheStageKeepsItsWorkForTheNextAttempt() throws Exception {
        run((input, workspace) -> {
            Files.writeString(workspace.folder().resolve("step-7"), "saved");
            throw new StackOverflowError("deep");
        });

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.STAGE_ERROR);
        assertThat(folder.resolve("work").resolve(job.key().toString()).resolve("work/step-7"))
                .exists();
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

    private void assertNothingLeft() throws IOException {
        try (Stream<Path> left =
                Files.find(folder.resolve("work"), Integer.MAX_VALUE, (_, is) -> is.size() > 0 && !is.isDirectory())) {
            assertThat(left).isEmpty();
        }
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

    @Test
    void shutdownInterruptsTheStage() throws Exception {
        RunningJob run = running();

        run(run, interruptingStage(run, Interruption.SHUTDOWN));

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.SHUTDOWN);
        assertThat(only(JobFailed.class).failure().message()).contains("layer 3");
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void cancellationInterruptsTheStageAndSaysNoMore() throws Exception {
        RunningJob run = running();

        run(run, interruptingStage(run, Interruption.CANCELLED));

        assertThat(published).allMatch(event -> event instanceof JobStarted || event instanceof JobProgressed);
        assertThat(memory.result(job.key())).isEmpty();
    }

    @Test
    void workThatIsDoneWhenTheCancellationComesIsNotCommitted() throws Exception {
        RunningJob run = running();

        run(run, (input, workspace) -> {
            run.interrupt(Interruption.CANCELLED);
            Thread.interrupted();
        });

        assertThat(published).noneMatch(JobSucceeded.class::isInstance);
        assertThat(memory.result(job.key())).isEmpty();
    }

    @Test
    void workThatIsDoneWhenTheShutdownComesIsCommitted() throws Exception {
        RunningJob run = running();

        run(run, (input, workspace) -> {
            run.interrupt(Interruption.SHUTDOWN);
            Thread.interrupted();
        });

        assertThat(only(JobSucceeded.class)).isNotNull();
    }

    @Test
    void stageWhoseProgressStandsStillIsStalled() throws Exception {
        run(
                running(),
                (input, workspace) -> {
                    workspace.progress(3, 10, "layer 3");
                    new CountDownLatch(1).await();
                },
                MonotonicTime.SYSTEM,
                Duration.ofMillis(50));

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.STALLED);
        assertThat(only(JobFailed.class).failure().message()).contains("layer 3");
    }

    @Test
    void jobThatWasGivenUpIsReportedOnce() throws Exception {
        RunningJob run = running();
        JobProtocol protocol = protocol((input, workspace) -> {}, MonotonicTime.SYSTEM, Duration.ofMinutes(1));

        JobProtocol.Ended abandoned = protocol.abandon(run, Interruption.STALLED);
        JobProtocol.Ended late = protocol.run(run);

        assertThat(abandoned.published()).isTrue();
        assertThat(late.published()).isFalse();
        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.STALLED);
        assertThat(published).noneMatch(JobSucceeded.class::isInstance);
    }

    @Test
    void aCancelledJobThatStoresItsOutputIsNoHungOne() throws Exception {
        AtomicLong nanos = new AtomicLong();
        RunningJob run = new RunningJob(job, Duration.ofSeconds(10), nanos::get);
        Duration patience = Duration.ofMinutes(10);
        try (RunningJob.Section _ = run.interruptible()) {
            run.interrupt(Interruption.CANCELLED);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            nanos.set(patience.toNanos() + 1);
            assertThat(run.overdue(patience, false)).isTrue();
        }

        assertThat(run.overdue(patience, false)).isFalse();
        assertThat(run.overdue(patience, true)).isTrue();
    }

    /** What comes after it are a commit and an event, which an interrupt would cut in half. */
    @Test
    void anInterruptReachesTheStageAndNothingAfterIt() throws Exception {
        RunningJob run = running();
        try (RunningJob.Section _ = run.interruptible()) {
            run.interrupt(Interruption.SHUTDOWN);
            run.interrupt(Interruption.CANCELLED);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        }

        assertThat(Thread.interrupted()).isFalse();
        assertThat(run.interruption()).as("the first reason stands").contains(Interruption.SHUTDOWN);
    }

    /** It reported, so three of them must not make the job one that kills its workers. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasGivenUpLeavesNoClaimOnceThatIsPublished(boolean told) throws Exception {
        kafkaTakes = event -> told || !(event instanceof JobFailed);
        RunningJob run = running();
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        JobProtocol protocol = protocol(
                (input, workspace) -> {
                    began.countDown();
                    goOn.await();
                },
                MonotonicTime.SYSTEM,
                Duration.ofMinutes(1));
        Thread hung = Thread.ofPlatform().start(() -> protocol.run(run));
        began.await();
        assertThat(store.claim(run.ref().key())).isPresent();

        protocol.abandon(run, Interruption.SHUTDOWN);

        assertThat(store.claim(run.ref().key()).isEmpty()).isEqualTo(told);
        goOn.countDown();
        hung.join();
        assertThat(published)
                .filteredOn(JobFailed.class::isInstance)
                .extracting(event -> ((JobFailed) event).failure().reason())
                .isEqualTo(told ? List.of(Reason.SHUTDOWN) : List.of());
    }

    @Test
    void outputOutsideTheWorkspaceIsRefused() throws Exception {
        Stages escaping = new Stages(List.of(new EscapingStage(folder)));

        protocol(escaping, MonotonicTime.SYSTEM, Duration.ofMinutes(1)).run(running());

        assertThat(only(JobFailed.class).failure().message()).contains("workspace");
    }

    private FakeStage.Work interruptingStage(RunningJob run, Interruption why) {
        return (input, workspace) -> {
            workspace.progress(3, 10, "layer 3");
            run.interrupt(why);
            new CountDownLatch(1).await();
        };
    }

    private JobProtocol.Ended run(FakeStage.Work work) throws Exception {
        return run(work, MonotonicTime.SYSTEM);
    }

    private JobProtocol.Ended run(FakeStage.Work work, MonotonicTime time) throws Exception {
        return run(running(), work, time, Duration.ofMinutes(1));
    }

    private JobProtocol.Ended run(RunningJob run, FakeStage.Work work) throws Exception {
        return run(run, work, MonotonicTime.SYSTEM, Duration.ofMinutes(1));
    }

    private JobProtocol.Ended run(RunningJob run, FakeStage.Work work, MonotonicTime time, Duration stall)
            throws Exception {
        return protocol(work, time, stall).run(run);
    }

    private JobProtocol protocol(FakeStage.Work work, MonotonicTime time, Duration stall) {
        return protocol(new Stages(List.of(new FakeStage(work))), time, stall);
    }

    private JobProtocol protocol(Stages stages, MonotonicTime time, Duration stall) {
        return protocol(stages, time, stall, System::nanoTime);
    }

    private JobProtocol protocol(FakeStage.Work work, LongSupplier nanoTime) {
        return protocol(new Stages(List.of(new FakeStage(work))), MonotonicTime.SYSTEM, Duration.ofHours(1), nanoTime);
    }

    private JobProtocol protocol(Stages stages, MonotonicTime time, Duration stall, LongSupplier nanoTime) {
        InstantSource clock = InstantSource.system();
        StageRun stageRun =
                new StageRun(stages, store, reports(), cancelled::contains, settings(stall), clock, nanoTime);
        return new JobProtocol(
                store, new ClaimKeeper(store, time), reports(), cancelled::contains, stageRun, "me", clock);
    }

    private RunningJob running() {
        return new RunningJob(job, Duration.ofSeconds(10), System::nanoTime);
    }

    private WorkerSettings settings(Duration stall) {
        return new WorkerSettings(
                "pruner",
                new KafkaSettings("nowhere:1", Map.of(), Topics.DEFAULT),
                "memory:",
                List.of(Device.CPU),
                1,
                folder.resolve("work"),
                OptionalInt.empty(),
                new WorkerSettings.Limits(stall, Duration.ofSeconds(1), Duration.ofSeconds(1), TICK));
    }

    private Reports reports() {
        return new Reports() {
            @Override
            public boolean publish(Event event) {
                return kafkaTakes.test(event) && published.add(event);
            }

            @Override
            public void announce(Event event) {
                published.add(event);
            }
        };
    }

    /** A clock that jumps by what is waited for, after {@code meanwhile} happened. */
    private static MonotonicTime time(Meanwhile meanwhile) {
        AtomicLong now = new AtomicLong();
        return new MonotonicTime() {
            @Override
            public long nanos() {
                return now.get();
            }

            @Override
            public void pause(Duration duration) {
                meanwhile.happens();
                now.addAndGet(duration.toNanos());
            }
        };
    }

    private interface Meanwhile {
        void happens();
    }

    /** The store of a process that is killed before the first byte of an output is stored. */
    private ArtifactStore dyingAtPublication() {
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (proxy, called, arguments) -> {
                    if (called.getName().equals("publishFolder")) {
                        throw new Error("killed");
                    }
                    try {
                        return called.invoke(memory, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** Someone removes the output's file just before its folder is stored. */
    private ArtifactStore whoseOutputLosesAFile(boolean answers) {
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (proxy, called, arguments) -> {
                    if (called.getName().equals("publishFolder")) {
                        Files.deleteIfExists(((Path) arguments[0]).resolve("model.txt"));
                        if (!answers) {
                            throw new IOException("the store is away");
                        }
                    }
                    try {
                        return called.invoke(memory, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** The store, of which one method fails so many times. */
    private ArtifactStore failing(String method, int times) {
        AtomicInteger left = new AtomicInteger(times);
        return failing(called -> called.equals(method) && left.getAndDecrement() > 0);
    }

    private ArtifactStore absentWhile(AtomicBoolean away) {
        return failing(called -> away.get() && !called.equals("beatInterval"));
    }

    private ArtifactStore failing(Predicate<String> fails) {
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (proxy, called, arguments) -> {
                    if (fails.test(called.getName())) {
                        throw new IOException("connection reset");
                    }
                    try {
                        return called.invoke(memory, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static Job job(ArtifactRef model) {
        return new Job(
                new ModelName("model"),
                new RunId(Digest.of("run")),
                1,
                Map.of(Role.MODEL, model),
                new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                Device.CPU,
                0);
    }

    private <T extends JobEvent> T only(Class<T> kind) {
        List<T> found =
                published.stream().filter(kind::isInstance).map(kind::cast).toList();
        assertThat(found).as("%s of %s", kind.getSimpleName(), published).hasSize(1);
        return found.getFirst();
    }

    private record EscapingStage(Path elsewhere) implements Stage<Parameters.Prune> {
        @Override
        public Class<Parameters.Prune> parameters() {
            return Parameters.Prune.class;
        }

        @Override
        public StageOutput run(StageInput<Parameters.Prune> input, Workspace workspace) {
            return new StageOutput(elsewhere, List.of());
        }
    }
}
