package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Claim;
import io.millrace.store.Manifest;
import io.millrace.store.MonotonicTime;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Stages;
import io.millrace.worker.Workspace;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The order of a job's steps, its claim, and how it fails. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class JobProtocolTest extends JobProtocolFixture {
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
    void outputOutsideTheWorkspaceIsRefused() throws Exception {
        Stages escaping = new Stages(List.of(new EscapingStage(folder)));

        protocol(escaping, MonotonicTime.SYSTEM, Duration.ofMinutes(1)).run(running());

        assertThat(only(JobFailed.class).failure().message()).contains("workspace");
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

    /** As when a job comes again while its first delivery is worked on, or two names of a model ask for the same one. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    @Tag("promise-2")
    @DisplayName("Promise 2: two slots of one worker do not do the same job at once")
    void twoSlotsOfOneWorkerDoNotDoTheSameJobAtOnce() throws Exception {
        store = whoseClaimIsFirstLookedForByTwo();
        CountDownLatch otherIsThrough = new CountDownLatch(1);
        AtomicInteger begun = new AtomicInteger();
        JobProtocol protocol = protocol(
                (_, _) -> {
                    if (begun.incrementAndGet() == 2) {
                        otherIsThrough.countDown();
                    }
                    otherIsThrough.await();
                },
                MonotonicTime.SYSTEM,
                Duration.ofHours(1));

        CompletableFuture<?> first =
                CompletableFuture.runAsync(() -> protocol.run(running()), Thread::startVirtualThread);
        CompletableFuture<?> second =
                CompletableFuture.runAsync(() -> protocol.run(running()), Thread::startVirtualThread);
        CompletableFuture.anyOf(first, second).get();
        otherIsThrough.countDown();
        CompletableFuture.allOf(first, second).get();

        assertThat(begun).hasValue(1);
        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.CLAIMED);
        assertThat(only(JobSucceeded.class).fromStore()).isFalse();
    }

    /** Both find none. */
    private ArtifactStore whoseClaimIsFirstLookedForByTwo() {
        CyclicBarrier both = new CyclicBarrier(2);
        AtomicInteger looks = new AtomicInteger();
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (_, called, arguments) -> {
                    if (called.getName().equals("beatInterval")) {
                        return Duration.ofMillis(100);
                    }
                    try {
                        Object answer = called.invoke(memory, arguments);
                        if (called.getName().equals("claim") && looks.incrementAndGet() <= 2) {
                            both.await();
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
