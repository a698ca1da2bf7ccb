package io.millrace.conductor.topology;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/** A record on its way out, encoded. No value is a tombstone. */
final class Outgoing {
    private final String topic;
    private final byte @Nullable [] key;
    private final byte @Nullable [] value;
    private final Headers headers;

    private Outgoing(String topic, byte @Nullable [] key, byte @Nullable [] value, Headers headers) {
        this.topic = topic;
        this.key = key;
        this.value = value;
        this.headers = headers;
    }

    static Outgoing of(ProducerRecord<String, byte[]> record) {
        return new Outgoing(record.topic(), utf8(record.key()), record.value(), record.headers());
    }

    static Outgoing ofBytes(ProducerRecord<byte[], byte[]> record) {
        return new Outgoing(record.topic(), record.key(), record.value(), record.headers());
    }

    static Outgoing tombstone(String topic, String key) {
        return new Outgoing(topic, utf8(key), null, new RecordHeaders());
    }

    String topic() {
        return topic;
    }

    byte @Nullable [] key() {
        return key;
    }

    byte @Nullable [] value() {
        return value;
    }

    Headers headers() {
        return headers;
    }

    private static byte @Nullable [] utf8(@Nullable String key) {
        return key == null ? null : key.getBytes(StandardCharsets.UTF_8);
    }
}
