package io.millrace.worker;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A real broker and a store in a folder, jobs for them and workers on them. */
final class Site implements AutoCloseable {
    static final Device OTHER_DEVICE = new Device("other");
    private static final EventRecords RECORDS = new EventRecords(Topics.DEFAULT, new EventCodec(), "test");

    private final Path folder;
    private final ArtifactStore store;
    private final ArtifactRef model;
    private final AtomicInteger seeds = new AtomicInteger();
    private final KafkaProducer<String, byte[]> producer;
    private EmbeddedBroker broker;

    /** @param folder an empty one, which it fills */
    Site(Path folder) throws Exception {
        this.folder = folder;
        store = Stores.open(storeAddress());
        Path source = Files.createDirectories(folder.resolve("source"));
        Files.writeString(source.resolve("model.txt"), "weights");
        model = store.publishFolder(source, new TreeMap<>());
        broker = EmbeddedBroker.start(Files.createDirectories(kafkaFolder()));
        try (Admin admin = admin()) {
            TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU, OTHER_DEVICE), (short) 1);
        }
        producer = new KafkaProducer<>(kafka(), new StringSerializer(), new ByteArraySerializer());
    }

    /** Its broker ends and comes back at the same address with what it had. */
    void restartBroker() throws Exception {
        String address = broker.address();
        broker.close();
        broker = EmbeddedBroker.start(kafkaFolder(), address);
    }

    private Path kafkaFolder() {
        return folder.resolve("kafka");
    }

    /** Settings of a client of its broker. */
    Map<String, Object> kafka() {
        return Map.of("bootstrap.servers", broker.address());
    }

    Admin admin() {
        return Admin.create(kafka());
    }

    ArtifactStore store() {
        return store;
    }

    private String storeAddress() {
        return folder.resolve("store").toString();
    }

    Path workFolder() {
        return folder.resolve("work");
    }

    /** A job like no other. */
    Job job() {
        return job(Device.CPU);
    }

    Job job(Device device) {
        return new Job(
                new ModelName("model"),
                new RunId(Digest.of("run")),
                1,
                Map.of(Role.MODEL, model),
                new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                device,
                seeds.incrementAndGet());
    }

    void send(Event event) throws Exception {
        producer.send(RECORDS.record(event)).get();
    }

    /** To the workers of one device. */
    void sendTo(Device device, JobCancelled event) throws Exception {
        producer.send(RECORDS.cancelledOn(event, device)).get();
    }

    /** Puts a record into the queue that is no event. */
    void sendToQueue(String key, byte[] value) throws Exception {
        producer.send(new ProducerRecord<>(Topics.DEFAULT.jobs(StageName.PRUNE, Device.CPU), key, value))
                .get();
    }

    JobEvents events(Job job) {
        return new JobEvents(broker.address(), job.key());
    }

    Worker worker(FakeStage.Work work) throws IOException, InterruptedException {
        return worker(work, List.of(Device.CPU), WorkerSettings.Limits.DEFAULT);
    }

    Worker worker(FakeStage.Work work, List<Device> devices, WorkerSettings.Limits limits)
            throws IOException, InterruptedException {
        return Worker.start(
                new FakeStage(work),
                new WorkerSettings(
                        "pruner",
                        new KafkaSettings(broker.address(), Map.of(), Topics.DEFAULT),
                        storeAddress(),
                        devices,
                        1,
                        workFolder(),
                        OptionalInt.of(0),
                        limits));
    }

    /** A worker in a process of its own, which ends with this one. */
    Process child(String mode) throws IOException {
        return child(mode, ProcessHandle.current().pid());
    }

    Process child(String mode, long parent) throws IOException {
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
                        workFolder().toString(),
                        "--with-parent",
                        Long.toString(parent))
                .inheritIO()
                .start();
    }

    /** What the worker's management port answers. */
    static String get(Worker worker, String path) throws IOException, InterruptedException {
        URI address = URI.create("http://localhost:" + worker.managementPort().orElseThrow() + path);
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString())
                    .body();
        }
    }

    @Override
    public void close() throws IOException {
        producer.close();
        store.close();
        broker.close();
    }
}
