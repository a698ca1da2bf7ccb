package io.millrace.cli;

import io.millrace.events.Event;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.StoreAddressException;
import io.millrace.store.Stores;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A Millrace that a command speaks to.
 *
 * @param kafka settings of every client
 * @param storePlace of the artifact store, where it is known
 */
public record Connection(Map<String, Object> kafka, Topics topics, Optional<String> storePlace) {
    private static final int BROKER_ANSWER_SECONDS = 30;
    private static final int SILENT_SECONDS = 5;

    public Connection {
        kafka = Map.copyOf(kafka);
    }

    public String address() {
        return String.valueOf(kafka.get("bootstrap.servers"));
    }

    /**
     * Fails in half a minute and in one line if no broker answers, which one that is started again may take; an interrupt
     * ends it at once.
     *
     * @param err is told what is waited for, if that takes long
     */
    void requireBroker(PrintWriter err) {
        try (Admin admin = admin()) {
            awaitAnswer(admin, err);
        } catch (InterruptException e) {
            throw e;
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            if (e.getCause() instanceof UnsupportedVersionException) {
                throw new CommandFailure(
                        ExitCode.UNAVAILABLE, "the Kafka broker at " + address() + " is too old; use 4.3 or newer", e);
            }
            throw new CommandFailure(
                    KafkaRefusal.isOfSettings(e) ? ExitCode.USAGE : ExitCode.UNAVAILABLE,
                    KafkaRefusal.of(e, kafka)
                            .orElse("no Kafka broker answers at " + address()
                                    + "; check the address, that it runs, and that"
                                    + " security.protocol (--kafka-config) is the one of this port"),
                    e);
        }
    }

    private void awaitAnswer(Admin admin, PrintWriter err) throws ExecutionException, TimeoutException {
        KafkaFuture<String> answer = admin.describeCluster().clusterId();
        try {
            try {
                answer.get(SILENT_SECONDS, TimeUnit.SECONDS);
            } catch (TimeoutException notYet) {
                err.println("no Kafka broker answers at " + address() + " yet; waiting for one up to "
                        + BROKER_ANSWER_SECONDS + " s");
                answer.get(BROKER_ANSWER_SECONDS - SILENT_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            // Marks the thread again before the client is closed, which otherwise waits for the answer.
            throw new InterruptException(e);
        }
    }

    /** Fails if a conductor could not work here: no share groups, or topics that are missing or different. */
    void requireTopics() throws InterruptedException {
        try (Admin admin = admin()) {
            List<String> problems = TopicAdmin.problems(admin, topics(), List.of());
            if (!problems.isEmpty()) {
                throw new CommandFailure(ExitCode.UNAVAILABLE, address() + ": " + String.join("; ", problems));
            }
        }
    }

    public Admin admin() {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, 30_000);
        settings.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, 10_000);
        return Admin.create(settings);
    }

    ArtifactStore store() throws IOException {
        return Stores.open(requireStorePlace());
    }

    /** A store that is there, for a command that only reads it. */
    ArtifactStore storeToRead() throws IOException {
        return Stores.openToRead(requireStorePlace());
    }

    private String requireStorePlace() {
        return storePlace.orElseThrow(() ->
                new CommandFailure(ExitCode.USAGE, "this command needs the artifact store; name it with --store"));
    }

    /** The store's folder where it is not there yet: a new store, or a mistyped one. */
    Optional<Path> newStoreFolder() throws IOException {
        Optional<Path> folder = storePlace.isPresent() ? Stores.folderOf(storePlace.get()) : Optional.empty();
        return folder.filter(path -> !Files.isDirectory(path));
    }

    /** A store that is there; {@link ExitCode#UNAVAILABLE} if it does not answer. */
    static ArtifactStore openStore(String place) throws IOException {
        return opened(place, Stores::openExisting);
    }

    /** The same, for a command that only reads it. */
    static ArtifactStore openStoreToRead(String place) throws IOException {
        return opened(place, Stores::openToRead);
    }

    private interface Opening {
        ArtifactStore open(String place) throws IOException;
    }

    private static ArtifactStore opened(String place, Opening how) throws IOException {
        try {
            return how.open(place);
        } catch (NoSuchFileException | AccessDeniedException | StoreAddressException e) {
            throw e;
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.UNAVAILABLE, String.valueOf(e.getMessage()), e);
        }
    }

    TopicReader reader() {
        return new TopicReader(this);
    }

    /** Writes this version's schemas, then the events, and waits until Kafka has them all. */
    void send(Event... events) {
        try (SchemaTopic schemas = new SchemaTopic(kafka, topics)) {
            schemas.publishOwn();
        }
        EventRecords records = new EventRecords(topics, new EventCodec(), "millrace/cli");
        try (Producer<String, byte[]> producer = producer()) {
            for (Event event : events) {
                sendNow(producer, records.record(event));
            }
        }
    }

    /** Reads topics from their first record. */
    Consumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(reading(), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Of committed records alone. A broker may make a topic that is merely asked for, with one partition: not for us. */
    Map<String, Object> reading() {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("isolation.level", "read_committed");
        settings.put("allow.auto.create.topics", false);
        settings.put("enable.auto.commit", false);
        settings.put("auto.offset.reset", "earliest");
        settings.put("default.api.timeout.ms", 20_000);
        return settings;
    }

    Producer<String, byte[]> producer() {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("acks", "all");
        settings.put("delivery.timeout.ms", 30_000);
        settings.put("request.timeout.ms", 10_000);
        settings.put("linger.ms", 0);
        settings.put("max.block.ms", 15_000);
        return new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
    }

    <K, V> void sendNow(Producer<K, V> producer, ProducerRecord<K, V> record) {
        try {
            producer.send(record).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.FAILED, "interrupted", e);
        } catch (ExecutionException | KafkaException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new CommandFailure(
                    ExitCode.UNAVAILABLE,
                    KafkaRefusal.of(e, kafka, AclOperation.WRITE)
                            .orElse("Kafka did not take a record for " + record.topic() + ": " + cause.getMessage()),
                    e);
        }
    }
}
