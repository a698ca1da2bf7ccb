package io.millrace.events.wire;

import io.millrace.events.Digest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/**
 * Records that nobody can read, kept as they came. The bytes and headers of the original stay; headers that start with
 * {@code millrace-origin-} and {@code millrace-why} say where it came from and what was wrong with it. Of one that is
 * larger than any of ours, as a compressed record may be once it is unpacked, the start is kept, and {@code
 * millrace-cut} says what it was.
 */
public final class DeadLetters {
    private static final String TOPIC = "millrace-origin-topic";
    private static final String PARTITION = "millrace-origin-partition";
    private static final String OFFSET = "millrace-origin-offset";
    private static final String SERVICE = "millrace-origin-service";
    private static final String WHY = "millrace-why";
    private static final String CUT = "millrace-cut";
    private static final int MAX_WHY_CHARACTERS = 2000;

    /** More than any topic of ours takes; the topic of dead letters takes twice as much. */
    private static final int MAX_VALUE_BYTES = 512 * 1024;

    private static final int MAX_HEAD_BYTES = 128 * 1024;
    private static final int KEPT_KEY_BYTES = 1024;

    private final Topics topics;
    private final String service;

    /**
     * Where a dead letter came from.
     *
     * @param service who could not read it
     */
    public record Origin(String topic, int partition, long offset, String service, String why) {}

    /**
     * @param service who could not read the record, such as {@code millrace/quantizer}
     */
    public DeadLetters(Topics topics, String service) {
        this.topics = topics;
        this.service = service;
    }

    /** The record for the topic of dead letters. */
    public ProducerRecord<byte[], byte[]> record(ConsumerRecord<?, byte[]> origin, String why) {
        byte[] key = bytes(origin.key());
        byte[] value = origin.value();
        Headers headers = new RecordHeaders(origin.headers());
        int head = size(key);
        for (Header header : headers) {
            head += header.key().length() + size(header.value());
        }
        if (size(value) > MAX_VALUE_BYTES || head > MAX_HEAD_BYTES) {
            headers = new RecordHeaders();
            set(
                    headers,
                    CUT,
                    "a value of " + size(value) + " bytes, key and headers of " + head
                            + (value == null ? "" : ", SHA-256 of the value " + Digest.of(value)));
            key = start(key, KEPT_KEY_BYTES);
            value = start(value, MAX_VALUE_BYTES);
        }
        set(headers, TOPIC, origin.topic());
        set(headers, PARTITION, Integer.toString(origin.partition()));
        set(headers, OFFSET, Long.toString(origin.offset()));
        set(headers, SERVICE, service);
        set(headers, WHY, why.substring(0, Math.min(why.length(), MAX_WHY_CHARACTERS)));
        return new ProducerRecord<>(topics.deadLetters(), null, key, value, headers);
    }

    /** Where this dead letter came from; empty if its headers do not say. */
    public static Optional<Origin> origin(ConsumerRecord<?, ?> letter) {
        try {
            return Optional.of(new Origin(
                    get(letter.headers(), TOPIC),
                    Integer.parseInt(get(letter.headers(), PARTITION)),
                    Long.parseLong(get(letter.headers(), OFFSET)),
                    get(letter.headers(), SERVICE),
                    get(letter.headers(), WHY)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * The original record for its own topic again, without the marks of a dead letter; empty if it came from no topic,
     * since what a service could not read of its own state has no offset, or if it was cut.
     */
    public static Optional<ProducerRecord<byte[], byte[]>> replay(ConsumerRecord<byte[], byte[]> letter) {
        return origin(letter)
                .filter(origin -> origin.offset() >= 0 && !isCut(letter))
                .map(origin -> {
                    Headers headers = new RecordHeaders(letter.headers());
                    for (String mark : new String[] {TOPIC, PARTITION, OFFSET, SERVICE, WHY}) {
                        headers.remove(mark);
                    }
                    return new ProducerRecord<>(origin.topic(), null, letter.key(), letter.value(), headers);
                });
    }

    /** Whether only the start of the record was kept. */
    public static boolean isCut(ConsumerRecord<?, ?> letter) {
        return letter.headers().lastHeader(CUT) != null;
    }

    private static int size(byte @Nullable [] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    private static byte @Nullable [] start(byte @Nullable [] bytes, int most) {
        return bytes == null || bytes.length <= most ? bytes : Arrays.copyOf(bytes, most);
    }

    private static byte @Nullable [] bytes(@Nullable Object key) {
        return switch (key) {
            case null -> null;
            case byte[] bytes -> bytes;
            default -> key.toString().getBytes(StandardCharsets.UTF_8);
        };
    }

    private static void set(Headers headers, String name, String value) {
        headers.remove(name).add(name, value.getBytes(StandardCharsets.UTF_8));
    }

    private static String get(Headers headers, String name) {
        Header header = headers.lastHeader(name);
        if (header == null || header.value() == null) {
            throw new IllegalArgumentException("no header '" + name + "'");
        }
        return new String(header.value(), StandardCharsets.UTF_8);
    }
}
