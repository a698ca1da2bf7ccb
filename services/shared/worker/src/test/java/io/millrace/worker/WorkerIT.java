package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Workers against a real broker and a store in a folder. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class WorkerIT {
    private static final Device CPU = Device.CPU;
    private static final AtomicInteger SEEDS = new AtomicInteger();

    @TempDir
    static Path folder;

    private static EmbeddedBroker broker;
    private static KafkaProducer<String, byte[]> producer;
    private static ArtifactStore store;
    private static ArtifactRef model;
    private static final EventRecords RECORDS = new EventRecords(Topics.DEFAULT, new EventCodec(), "test");

    @BeforeAll
    static void startBroker() throws Exception {
        broker = EmbeddedBroker.start(Files.createDirectories(folder.resolve("kafka")));
        try (Admin admin = admin()) {
            TopicAdmin.apply(admin, Topics.DEFAULT, List.of(CPU, new Device("other")), (short) 1);
        }
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new StringSerializer(), new ByteArraySerializer());
        store = Stores.open(storeAddress());
        Path source = Files.createDirectories(folder.resolve("source"));
        Files.writeString(source.resolve("model.txt"), "weights");
        model = store.publishFolder(source, new TreeMap<>());
    }

    @AfterAll
    static void stopBroker() throws Exception {
        producer.close();
        store.close();
        broker.close();
    }

    @BeforeEach
    void usualLock() throws Exception {
        lock(30_000);
    }

    @Test
    void jobIsComputedAndItsResultStandsInTheStore() throws Exception {
        Job job = job();
        try (Worker worker = worker((input, workspace) -> {});
                JobEvents events = new JobEvents(broker.address(), job.key())) {

            send(job);

            JobSucceeded succeeded = events.await(JobSucceeded.class, 1).getFirst();
            assertThat(events.all(JobStarted.class))
                    .singleElement()
                    .satisfies(started -> assertThat(started.starts()).isEqualTo(1));
            assertThat(succeeded.fromStore()).isFalse();
            assertThat(succeeded.cost().bytesIn()).isEqualTo(7);
            assertThat(store.result(job.key()).orElseThrow().output()).isEqualTo(succeeded.output());
            assertThat(worker.broken()).isFalse();
            assertThat(folder.resolve("work").resolve(job.key().toString())).doesNotExist();
        }
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: the same key is computed once, whoever asks")
    void sameKeyIsComputedOnceWhoeverAsks() throws Exception {
        Job job = job();
        AtomicInteger computed = new AtomicInteger();
        try (Worker worker = worker((input, workspace) -> computed.incrementAndGet());
                JobEvents events = new JobEvents(broker.address(), job.key())) {

            send(job);
            send(job.withAttempt(2));

            List<JobSucceeded> succeeded = events.await(JobSucceeded.class, 2);
            assertThat(computed).hasValue(1);
            assertThat(succeeded)
                    .extracting(JobSucceeded::output)
                    .containsOnly(succeeded.getFirst().output());
            assertThat(succeeded).extracting(JobSucceeded::fromStore).contains(true);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void stageThatThrowsIsReportedAndTheSlotGoesOn() throws Exception {
        Job bad = job();
        Job good = job();
        try (Worker worker = worker((input, workspace) -> {
                    if (input.seed() == bad.seed()) {
                        throw new StageException(Reason.UNSUITABLE_SHAPE, "rows of 7 cannot be halved");
                    }
                });
                JobEvents badEvents = new JobEvents(broker.address(), bad.key());
                JobEvents goodEvents = new JobEvents(broker.address(), good.key())) {

            send(bad);
            send(good);

            JobFailed failed = badEvents.await(JobFailed.class, 1).getFirst();
            assertThat(failed.failure().reason()).isEqualTo(Reason.UNSUITABLE_SHAPE);
            assertThat(failed.failure().message()).isEqualTo("rows of 7 cannot be halved");
            assertThat(goodEvents.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(badEvents.all(JobFailed.class)).hasSize(1);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void recordThatNobodyCanReadGoesToTheDeadLetters() throws Exception {
        Job job = job();
        byte[] poison = "not an event".getBytes(StandardCharsets.UTF_8);
        try (Worker worker = worker((input, workspace) -> {});
                JobEvents events = new JobEvents(broker.address(), job.key())) {

            producer.send(new ProducerRecord<>(Topics.DEFAULT.jobs(StageName.PRUNE, CPU), "poison", poison))
                    .get();
            send(job);

            ConsumerRecord<byte[], byte[]> letter = firstDeadLetter();
            assertThat(letter.value()).isEqualTo(poison);
            assertThat(DeadLetters.origin(letter).orElseThrow().topic())
                    .isEqualTo(Topics.DEFAULT.jobs(StageName.PRUNE, CPU));
            assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void jobLongerThanItsLockKeepsItsLease() throws Exception {
        Job job = job();
        CountDownLatch enough = new CountDownLatch(1);
        AtomicInteger computed = new AtomicInteger();
        FakeStage.Work work = (input, workspace) -> {
            computed.incrementAndGet();
            enough.await();
        };
        // Long enough for a busy machine, which may be late with a renewal by two thirds of it.
        lock(8_000);
        try (Worker first = worker(work);
                Worker second = worker(work);
                JobEvents events = new JobEvents(broker.address(), job.key())) {

            send(job);
            // A sign of life comes each third of the lock: with the fourth it would have ended.
            events.await(JobProgressed.class, 4);
            enough.countDown();

            events.await(JobSucceeded.class, 1);
            assertThat(taken(first) + taken(second))
                    .as("times that a worker got the job")
                    .isEqualTo(1);
            assertThat(computed).hasValue(1);
            assertThat(events.all(JobStarted.class)).hasSize(1);
            assertThat(events.all(JobFailed.class)).isEmpty();
            assertThat(first.broken() || second.broken()).isFalse();
        }
    }

    private static double taken(Worker worker) throws IOException, InterruptedException {
        return get(worker, "/metrics")
                .lines()
                .filter(line -> line.startsWith("millrace_worker_queue_age_seconds_count"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    @Test
    void cancelledJobIsInterruptedAndSaysNothing() throws Exception {
        Job job = job();
        Job next = job();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        try (Worker worker = worker((input, workspace) -> {
                    if (input.seed() == job.seed()) {
                        running.countDown();
                        try {
                            new CountDownLatch(1).await();
                        } finally {
                            interrupted.countDown();
                        }
                    }
                });
                JobEvents events = new JobEvents(broker.address(), job.key());
                JobEvents nextEvents = new JobEvents(broker.address(), next.key())) {
            send(job);
            assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();

            producer.send(RECORDS.record(new JobCancelled(job.key(), Instant.now(), "superseded")))
                    .get();

            assertThat(interrupted.await(30, TimeUnit.SECONDS)).isTrue();
            send(next);
            nextEvents.await(JobSucceeded.class, 1);
            events.await(JobStarted.class, 1);
            assertThat(events.all(JobFailed.class)).isEmpty();
            assertThat(store.claim(job.key())).isEmpty();
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void workerThatIsToldToStopReportsItsJobAndAnotherDoesIt() throws Exception {
        Job job = job();
        CountDownLatch running = new CountDownLatch(1);
        try (JobEvents events = new JobEvents(broker.address(), job.key())) {
            try (Worker worker = worker((input, workspace) -> {
                running.countDown();
                new CountDownLatch(1).await();
            })) {
                send(job);
                assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();
                assertThat(worker.broken()).isFalse();
            }
            JobFailed failed = events.await(JobFailed.class, 1).getFirst();
            assertThat(failed.failure().reason()).isEqualTo(Reason.SHUTDOWN);

            try (Worker other = worker((input, workspace) -> {})) {
                send(job);

                assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                assertThat(events.all(JobStarted.class))
                        .extracting(JobStarted::starts)
                        .containsOnly(1);
                assertThat(other.broken()).isFalse();
            }
        }
    }

    @Test
    @Tag("promise-3")
    @DisplayName("Promise 3: a killed worker is replaced by another")
    void killedWorkerIsReplacedWithinSeconds() throws Exception {
        Job job = job();
        Process killed = child("hang");
        try (JobEvents events = new JobEvents(broker.address(), job.key())) {
            send(job);
            events.await(JobStarted.class, 1);
            try (Worker other = worker((input, workspace) -> {})) {

                killed.destroyForcibly().waitFor();
                long killedNanos = System.nanoTime();

                List<JobStarted> started = events.await(JobStarted.class, 2);
                assertThat(Duration.ofNanos(System.nanoTime() - killedNanos)).isLessThan(Duration.ofSeconds(20));
                assertThat(started).extracting(JobStarted::starts).containsExactly(1, 2);
                assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                assertThat(other.broken()).isFalse();
            }
        } finally {
            killed.destroyForcibly();
        }
    }

    @Test
    @Tag("promise-1")
    @DisplayName("Promise 1: a job that kills its workers ends after three")
    void jobThatKillsItsWorkersStopsAfterThree() throws Exception {
        Job job = job();
        List<Process> children = new ArrayList<>();
        try (JobEvents events = new JobEvents(broker.address(), job.key())) {
            send(job);
            for (int starts = 1; starts <= 3; starts++) {
                Process child = child("halt");
                children.add(child);
                events.await(JobStarted.class, starts);
                assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
            }
            try (Worker last = worker((input, workspace) -> {})) {

                JobFailed failed = events.await(JobFailed.class, 1).getFirst();

                assertThat(failed.failure().reason()).isEqualTo(Reason.WORKER_LOST);
                assertThat(events.all(JobStarted.class))
                        .extracting(JobStarted::starts)
                        .containsExactly(1, 2, 3);
                assertThat(last.broken()).isFalse();
            }
            assertThat(store.claim(job.key())).as("a retry counts anew").isEmpty();
        } finally {
            children.forEach(Process::destroyForcibly);
        }
    }

    @Test
    void sigtermEndsAWorkerWithExitCodeZeroAndAReport() throws Exception {
        Job job = job();
        Process child = child("hang");
        try (JobEvents events = new JobEvents(broker.address(), job.key())) {
            send(job);
            events.await(JobStarted.class, 1);

            child.destroy();

            assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(child.exitValue()).isZero();
            assertThat(events.await(JobFailed.class, 1).getFirst().failure().reason())
                    .isEqualTo(Reason.SHUTDOWN);
            assertThat(store.claim(job.key())).isEmpty();
        } finally {
            child.destroyForcibly();
        }
    }

    @Test
    void idleWorkerTakesEveryJobThatABusyOneCannot() throws Exception {
        Job busy = job();
        List<Job> others = Stream.generate(WorkerIT::job).limit(12).toList();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch enough = new CountDownLatch(1);
        FakeStage.Work work = (input, workspace) -> {
            if (input.seed() == busy.seed()) {
                running.countDown();
                enough.await();
            }
        };
        try (Worker first = worker(work);
                Worker second = worker(work)) {
            send(busy);
            assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();

            for (Job other : others) {
                send(other);
            }

            for (Job other : others) {
                try (JobEvents events = new JobEvents(broker.address(), other.key())) {
                    assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                }
            }
            assertThat(store.result(busy.key())).isEmpty();
            enough.countDown();
            assertThat(first.broken() || second.broken()).isFalse();
        }
    }

    @Test
    void slotWithTwoDevicesTakesOneJobAtATime() throws Exception {
        Job cpu = job();
        Job other = new Job(
                cpu.model(),
                cpu.run(),
                1,
                cpu.inputs(),
                cpu.parameters(),
                new Device("other"),
                SEEDS.incrementAndGet());
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        try (Worker worker = Worker.start(
                        new FakeStage((input, workspace) -> {
                            most.accumulateAndGet(now.incrementAndGet(), Math::max);
                            now.decrementAndGet();
                        }),
                        settings(List.of(CPU, new Device("other"))));
                JobEvents cpuEvents = new JobEvents(broker.address(), cpu.key());
                JobEvents otherEvents = new JobEvents(broker.address(), other.key())) {

            send(cpu);
            send(other);

            assertThat(cpuEvents.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(otherEvents.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(most).hasValue(1);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void jobThatDoesNotAnswerItsInterruptIsReportedAndTheWorkerIsNotAliveAnyMore() throws Exception {
        Job job = job();
        CountDownLatch atLast = new CountDownLatch(1);
        WorkerSettings.Limits quick = new WorkerSettings.Limits(
                Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofMillis(100));
        FakeStage deaf = new FakeStage((input, workspace) -> {
            while (atLast.getCount() > 0) {
                try {
                    atLast.await();
                } catch (InterruptedException ignored) {
                    // Native code does not hear it.
                }
            }
        });
        try (Worker worker = Worker.start(deaf, settings(List.of(CPU), quick));
                JobEvents events = new JobEvents(broker.address(), job.key())) {

            send(job);

            assertThat(events.await(JobFailed.class, 1).getFirst().failure().reason())
                    .isEqualTo(Reason.STALLED);
            worker.await();
            assertThat(worker.broken()).isTrue();
            assertThat(get(worker, "/livez")).isEqualTo("not now\n");
        } finally {
            atLast.countDown();
        }
    }

    @Test
    void metricsAndHealthAreServed() throws Exception {
        Job job = job();
        try (Worker worker = worker((input, workspace) -> {});
                JobEvents events = new JobEvents(broker.address(), job.key())) {
            send(job);
            events.await(JobSucceeded.class, 1);
            events.await(JobStarted.class, 1);

            String metrics = get(worker, "/metrics");

            assertThat(metrics).contains("millrace_worker_jobs_total{outcome=\"succeeded\",stage=\"prune\"} 1.0");
            assertThat(metrics).contains("millrace_worker_queue_age_seconds_count{device=\"cpu\",stage=\"prune\"} 1");
            assertThat(metrics).contains("kafka_producer_record_send_total");
            assertThat(metrics).contains("kafka_consumer_share_fetch_manager_");
            assertThat(get(worker, "/livez")).isEqualTo("ok\n");
            assertThat(get(worker, "/readyz")).isEqualTo("ok\n");
        }
    }

    private static Worker worker(FakeStage.Work work) throws IOException, InterruptedException {
        return Worker.start(new FakeStage(work), settings(List.of(CPU)));
    }

    private static WorkerSettings settings(List<Device> devices) {
        return settings(devices, WorkerSettings.Limits.DEFAULT);
    }

    private static WorkerSettings settings(List<Device> devices, WorkerSettings.Limits limits) {
        return new WorkerSettings(
                "pruner",
                new KafkaSettings(broker.address(), Map.of(), Topics.DEFAULT),
                storeAddress(),
                devices,
                1,
                folder.resolve("work"),
                OptionalInt.of(0),
                limits);
    }

    /** Whoever started it may be killed before it looks. */
    @Test
    void aWorkerWhoseParentIsGoneWhenItStartsEndsAtOnce() throws Exception {
        Process parent = new ProcessBuilder("true").start();
        parent.waitFor();

        Process child = child("complete", parent.pid());

        try {
            assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(child.exitValue()).isZero();
        } finally {
            child.destroyForcibly();
        }
    }

    /** A worker in a process of its own. */
    private static Process child(String mode) throws IOException {
        return child(mode, ProcessHandle.current().pid());
    }

    private static Process child(String mode, long parent) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        "-Dmode=" + mode,
                        ChildWorker.class.getName(),
                        "--kafka",
                        broker.address(),
                        "--store",
                        storeAddress(),
                        "--work-folder",
                        folder.resolve("work").toString(),
                        "--with-parent",
                        Long.toString(parent))
                .inheritIO()
                .start();
    }

    private static String storeAddress() {
        return folder.resolve("store").toString();
    }

    private static Job job() {
        return new Job(
                new ModelName("model"),
                new RunId(Digest.of("run")),
                1,
                Map.of(Role.MODEL, model),
                new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                CPU,
                SEEDS.incrementAndGet());
    }

    private static void send(Job job) throws Exception {
        producer.send(RECORDS.record(job)).get();
    }

    private static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", broker.address()));
    }

    /** Returns when the broker gives out records with this lock. */
    private static void lock(int millis) throws Exception {
        ConfigResource group =
                new ConfigResource(ConfigResource.Type.GROUP, Topics.DEFAULT.shareGroup(StageName.PRUNE, CPU));
        String name = "share.record.lock.duration.ms";
        ConfigEntry lock = new ConfigEntry(name, Integer.toString(millis));
        try (Admin admin = admin()) {
            admin.incrementalAlterConfigs(Map.of(group, List.of(new AlterConfigOp(lock, AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
            Map<ConfigResource, Config> seen;
            do {
                seen = admin.describeConfigs(List.of(group)).all().get();
            } while (!seen.get(group).get(name).value().equals(lock.value()));
        }
    }

    private static ConsumerRecord<byte[], byte[]> firstDeadLetter() {
        try (var consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.address()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = List.of(new TopicPartition(Topics.DEFAULT.deadLetters(), 0));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (System.nanoTime() < end) {
                for (ConsumerRecord<byte[], byte[]> letter : consumer.poll(Duration.ofMillis(100))) {
                    return letter;
                }
            }
            throw new AssertionError("no dead letter within a minute");
        }
    }

    private static String get(Worker worker, String path) throws IOException, InterruptedException {
        URI address = URI.create("http://localhost:" + worker.managementPort().orElseThrow() + path);
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString())
                    .body();
        }
    }
}
