package io.millrace.client;

import io.millrace.events.wire.DeniedException;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Clients of the broker with the settings that the promises rest on; the caller's other settings are kept. */
final class Connection {
    private static final int PATIENCE_SECONDS = 30;

    private Connection() {}

    static Producer<String, byte[]> producer(Map<String, Object> kafka, Topics topics)
            throws IOException, InterruptedException {
        requireTopic(kafka, topics.checkpoints(), AclOperation.WRITE);
        return new KafkaProducer<>(writing(kafka), new StringSerializer(), new ByteArraySerializer());
    }

    /** What was published survives the loss of a broker, and stands there once. */
    static Map<String, Object> writing(Map<String, Object> kafka) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        return settings;
    }

    /** A consumer that sees committed records only, and never makes a topic by asking for it. */
    static Consumer<String, byte[]> consumer(Map<String, Object> kafka, String topic)
            throws IOException, InterruptedException {
        requireTopic(kafka, topic, AclOperation.READ);
        return new KafkaConsumer<>(reading(kafka), new StringDeserializer(), new ByteArrayDeserializer());
    }

    static Map<String, Object> reading(Map<String, Object> kafka) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        settings.putIfAbsent(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return settings;
    }

    /** A broker may make a topic that is merely asked for, with one partition; so it is looked for first. */
    private static void requireTopic(Map<String, Object> kafka, String topic, AclOperation use)
            throws IOException, InterruptedException {
        Object address = kafka.get(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG);
        String broker = "broker " + address;
        try (Admin admin = Admin.create(kafka)) {
            admin.describeTopics(List.of(topic)).allTopicNames().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                throw new IOException(
                        broker + ": topic '" + topic
                                + "' is not there; run 'millrace topics apply --kafka " + address
                                + "', or check the prefix of the topics",
                        e);
            }
            // The error does not name the topic.
            Optional<String> refusal = KafkaRefusal.of(
                    e.getCause() instanceof KafkaException cause
                            ? DeniedException.naming(cause, use, ResourceType.TOPIC, topic)
                            : e,
                    kafka);
            if (refusal.isPresent()) {
                throw new IOException(refusal.get(), e);
            }
            throw new IOException(
                    broker + ": no answer within " + PATIENCE_SECONDS + " s (" + e + "); is it running, and is"
                            + " bootstrap.servers right?",
                    e);
        }
    }
}
