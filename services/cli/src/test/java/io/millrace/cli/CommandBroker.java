package io.millrace.cli;

import io.millrace.cli.local.EmbeddedBroker;
import io.millrace.events.Device;
import io.millrace.events.Event;
import io.millrace.events.ModelPublished;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A broker with the topics of Millrace, in which a test is all of its services. */
final class CommandBroker implements AutoCloseable {
    static final Topics TOPICS = Topics.DEFAULT;

    private final EmbeddedBroker broker;
    private final Producer<byte[], byte[]> producer;
    private final EventRecords records = new EventRecords(TOPICS, new EventCodec(), "test");

    private CommandBroker(EmbeddedBroker broker) {
        this.broker = broker;
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    static CommandBroker start(Path folder) throws IOException, InterruptedException {
        EmbeddedBroker broker = EmbeddedBroker.start(folder, message -> {
            throw new AssertionError(message);
        });
        Map<String, Object> kafka = Map.of("bootstrap.servers", broker.address());
        try (Admin admin = Admin.create(kafka);
                SchemaTopic schemas = new SchemaTopic(kafka, TOPICS)) {
            TopicAdmin.apply(admin, TOPICS, List.of(Device.CPU), (short) 1);
            schemas.publishOwn();
        }
        return new CommandBroker(broker);
    }

    String address() {
        return broker.address();
    }

    /** Runs a command that speaks to this broker. */
    Said to(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--kafka", address()));
        return Said.to(all.toArray(String[]::new));
    }

    void send(Event... events) throws Exception {
        for (Event event : events) {
            send(records.record(event));
        }
    }

    void sendLatest(ModelPublished model) throws Exception {
        send(records.latest(model));
    }

    void delete(String topic, String key) throws Exception {
        producer.send(new ProducerRecord<>(topic, bytes(key), null)).get();
    }

    /** A record that a service could not read. */
    void bury(ConsumerRecord<String, byte[]> origin, String why) throws Exception {
        producer.send(new DeadLetters(TOPICS, "millrace/test").record(origin, why))
                .get();
    }

    private void send(ProducerRecord<String, byte[]> record) throws Exception {
        producer.send(new ProducerRecord<>(record.topic(), null, bytes(record.key()), record.value(), record.headers()))
                .get();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** What lies in a topic, in the order of each partition. */
    <E extends Event> List<E> events(String topic, Class<E> kind) {
        try (TopicReader reader = reader()) {
            return reader.events(topic, kind);
        }
    }

    List<ConsumerRecord<byte[], byte[]>> records(String topic) {
        try (TopicReader reader = reader()) {
            return reader.records(topic);
        }
    }

    private TopicReader reader() {
        return new Connection(Map.of("bootstrap.servers", address()), TOPICS, Optional.empty()).reader();
    }

    @Override
    public void close() throws IOException {
        producer.close();
        broker.close();
    }
}
