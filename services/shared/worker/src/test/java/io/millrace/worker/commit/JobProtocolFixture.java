package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.MemoryStore;
import io.millrace.store.MonotonicTime;
import io.millrace.worker.FakeStage;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stages;
import io.millrace.worker.WorkerSettings;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A job, a store and a protocol that runs it, without Kafka. */
abstract class JobProtocolFixture {
    static final Duration TICK = Duration.ofMillis(5);

    @TempDir
    Path folder;

    final MemoryStore memory = new MemoryStore();
    final List<Event> published = new CopyOnWriteArrayList<>();
    final Set<JobRef> cancelled = new HashSet<>();
    Predicate<Event> kafkaTakes = _ -> true;
    ArtifactStore store = memory;
    Job job;

    @BeforeEach
    void storeAModel() throws IOException {
        Path source = Files.createDirectories(folder.resolve("source"));
        Files.writeString(source.resolve("model.txt"), "weights");
        job = job(memory.publishFolder(source, new TreeMap<>()));
    }

    void assertNothingLeft() throws IOException {
        try (Stream<Path> left =
                Files.find(folder.resolve("work"), Integer.MAX_VALUE, (_, is) -> is.size() > 0 && !is.isDirectory())) {
            assertThat(left).isEmpty();
        }
    }

    JobProtocol.Ended run(FakeStage.Work work) throws Exception {
        return run(work, MonotonicTime.SYSTEM);
    }

    JobProtocol.Ended run(FakeStage.Work work, MonotonicTime time) throws Exception {
        return run(running(), work, time, Duration.ofMinutes(1));
    }

    JobProtocol.Ended run(RunningJob run, FakeStage.Work work) throws Exception {
        return run(run, work, MonotonicTime.SYSTEM, Duration.ofMinutes(1));
    }

    JobProtocol.Ended run(RunningJob run, FakeStage.Work work, MonotonicTime time, Duration stall) throws Exception {
        return protocol(work, time, stall).run(run);
    }

    JobProtocol protocol(FakeStage.Work work, MonotonicTime time, Duration stall) {
        return protocol(new Stages(List.of(new FakeStage(work))), time, stall);
    }

    JobProtocol protocol(Stages stages, MonotonicTime time, Duration stall) {
        return protocol(stages, time, stall, System::nanoTime);
    }

    JobProtocol protocol(FakeStage.Work work, LongSupplier nanoTime) {
        return protocol(new Stages(List.of(new FakeStage(work))), MonotonicTime.SYSTEM, Duration.ofHours(1), nanoTime);
    }

    JobProtocol protocol(Stages stages, MonotonicTime time, Duration stall, LongSupplier nanoTime) {
        InstantSource clock = InstantSource.system();
        return new JobProtocol(
                store,
                new ClaimKeeper(store, time),
                reports(),
                cancelled::contains,
                stageRun(stages, stall, nanoTime),
                "me",
                clock);
    }

    StageRun stageRun(Stages stages, Duration stall, LongSupplier nanoTime) {
        return new StageRun(
                stages, store, reports(), cancelled::contains, settings(stall), InstantSource.system(), nanoTime);
    }

    RunningJob running() {
        return new RunningJob(job, Duration.ofSeconds(10), System::nanoTime);
    }

    WorkerSettings settings(Duration stall) {
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

    Reports reports() {
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
    static MonotonicTime time(Meanwhile meanwhile) {
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

    interface Meanwhile {
        void happens();
    }

    /** The store of a process that is killed before the first byte of an output is stored. */
    ArtifactStore dyingAtPublication() {
        return dyingAt("publishFolder", new Error("killed"));
    }

    ArtifactStore dyingAt(String method, Error error) {
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (proxy, called, arguments) -> {
                    if (called.getName().equals(method)) {
                        throw error;
                    }
                    try {
                        return called.invoke(memory, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** Someone removes the output's file just before its folder is stored. */
    ArtifactStore whoseOutputLosesAFile(boolean answers) {
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
    ArtifactStore failing(String method, int times) {
        AtomicInteger left = new AtomicInteger(times);
        return failing(called -> called.equals(method) && left.getAndDecrement() > 0);
    }

    ArtifactStore absentWhile(AtomicBoolean away) {
        return failing(called -> away.get() && !called.equals("beatInterval"));
    }

    ArtifactStore failing(Predicate<String> fails) {
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

    static Job job(ArtifactRef model) {
        return new Job(
                new ModelName("model"),
                new RunId(Digest.of("run")),
                1,
                Map.of(Role.MODEL, model),
                new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                Device.CPU,
                0);
    }

    <T extends JobEvent> T only(Class<T> kind) {
        List<T> found =
                published.stream().filter(kind::isInstance).map(kind::cast).toList();
        assertThat(found).as("%s of %s", kind.getSimpleName(), published).hasSize(1);
        return found.getFirst();
    }
}
