package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Promise 3: a broker restart delays, and loses nothing. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class BrokerRestartIT {
    @TempDir
    Path folder;

    @Test
    @Tag("promise-3")
    @DisplayName("Promise 3: a broker restart delays a job and loses nothing")
    void jobThatRunsThroughABrokerRestartIsComputedOnce() throws Exception {
        Path kafka = Files.createDirectories(folder.resolve("kafka"));
        Path source = Files.createDirectories(folder.resolve("source"));
        Files.writeString(source.resolve("model.txt"), "weights");
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch enough = new CountDownLatch(1);
        AtomicInteger computed = new AtomicInteger();
        FakeStage.Work work = (input, workspace) -> {
            computed.incrementAndGet();
            running.countDown();
            enough.await();
        };
        EmbeddedBroker broker = EmbeddedBroker.start(kafka);
        String address = broker.address();
        try (ArtifactStore store = Stores.open(folder.resolve("store").toString())) {
            prepare(address);
            Job job = job(store.publishFolder(source, new TreeMap<>()));
            try (Worker first = Worker.start(new FakeStage(work), settings(address));
                    Worker second = Worker.start(new FakeStage(work), settings(address));
                    JobEvents events = new JobEvents(address, job.key())) {
                send(address, job);
                assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
                events.await(JobStarted.class, 1);

                broker.close();
                broker = EmbeddedBroker.start(kafka, address);

                // Signs of life go on, and whoever gets the record now meets the claim.
                int progressed = events.all(JobProgressed.class).size();
                events.await(JobProgressed.class, progressed + 2);
                enough.countDown();
                assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                assertThat(computed).hasValue(1);
                assertThat(events.all(JobStarted.class)).hasSize(1);
                assertThat(events.all(JobFailed.class))
                        .allMatch(failed -> failed.failure().reason() == Reason.CLAIMED);
                assertThat(first.broken() || second.broken()).isFalse();
            }
        } finally {
            broker.close();
        }
    }

    private static void prepare(String address) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
            TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU), (short) 1);
        }
    }

    private static void send(String address, Job job) throws Exception {
        try (var producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", address), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new EventRecords(Topics.DEFAULT, new EventCodec(), "test").record(job))
                    .get();
        }
    }

    private WorkerSettings settings(String address) {
        return new WorkerSettings(
                "pruner",
                new KafkaSettings(address, Map.of(), Topics.DEFAULT),
                folder.resolve("store").toString(),
                List.of(Device.CPU),
                1,
                folder.resolve("work"),
                OptionalInt.empty(),
                WorkerSettings.Limits.DEFAULT);
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
}
