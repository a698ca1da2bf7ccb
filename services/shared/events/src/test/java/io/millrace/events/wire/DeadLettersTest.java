package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Digest;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class DeadLettersTest {
    private static final byte[] POISON = {1, 2, 3};
    private final DeadLetters letters = new DeadLetters(Topics.DEFAULT, "millrace/conductor");

    @Test
    void originalBytesTravelWithTheirOriginAndTheReason() {
        ProducerRecord<byte[], byte[]> letter = letters.record(origin(), "starts with 0102");

        assertThat(letter.topic()).isEqualTo("millrace.dead-letters");
        assertThat(letter.key()).isEqualTo("chat-7b".getBytes(StandardCharsets.UTF_8));
        assertThat(letter.value()).isEqualTo(POISON);
        assertThat(letter.headers().lastHeader("ce_id").value()).isEqualTo(new byte[] {7});
        assertThat(DeadLetters.origin(received(letter)))
                .contains(new DeadLetters.Origin(
                        "millrace.checkpoints", 3, 41, "millrace/conductor", "starts with 0102"));
    }

    @Test
    void replayIsTheOriginalRecordAgain() {
        ProducerRecord<byte[], byte[]> letter = letters.record(origin(), "why");

        ProducerRecord<byte[], byte[]> again =
                DeadLetters.replay(received(letter)).orElseThrow();

        assertThat(again.topic()).isEqualTo("millrace.checkpoints");
        assertThat(again.value()).isEqualTo(POISON);
        assertThat(again.headers()).isEqualTo(origin().headers());
    }

    @Test
    void whatCameFromNoTopicIsNotSentBack() {
        ConsumerRecord<String, byte[]> ofState = new ConsumerRecord<>("state", 3, -1, "tickets|chat-7b|1", POISON);

        ConsumerRecord<byte[], byte[]> letter = received(letters.record(ofState, "why"));

        assertThat(DeadLetters.origin(letter)).isPresent();
        assertThat(DeadLetters.replay(letter)).isEmpty();
    }

    /** Compressed, such a record was small enough for its own topic. */
    @Test
    void ofARecordThatIsLargerThanAnyOfOursTheStartIsKept() {
        byte[] value = new byte[2 << 20];
        ConsumerRecord<String, byte[]> large =
                new ConsumerRecord<>("millrace.checkpoints", 0, 5, "k".repeat(1 << 20), value);
        large.headers().add("foreign", new byte[1 << 20]);

        ProducerRecord<byte[], byte[]> letter = letters.record(large, "why");

        int bytes = letter.key().length + letter.value().length;
        for (Header header : letter.headers()) {
            bytes += header.key().length() + header.value().length;
        }
        assertThat(bytes).isLessThan(600 * 1024);
        assertThat(new String(letter.headers().lastHeader("millrace-cut").value(), StandardCharsets.UTF_8))
                .contains("a value of 2097152 bytes", Digest.of(value).hex());
        assertThat(DeadLetters.origin(received(letter))).isPresent();
        assertThat(DeadLetters.isCut(received(letter))).isTrue();
        assertThat(DeadLetters.replay(received(letter))).isEmpty();
    }

    /** A letter with all of it would be larger than Kafka takes, and a reader asks {@code millrace-cut} and not the size. */
    @Test
    void ofARecordWithALargeHeadTheWholeValueIsKept() {
        ConsumerRecord<String, byte[]> large = origin();
        large.headers().add("foreign", new byte[70 << 10]).add("more", new byte[70 << 10]);

        ProducerRecord<byte[], byte[]> letter = letters.record(large, "why");

        assertThat(new String(letter.headers().lastHeader("millrace-cut").value(), StandardCharsets.UTF_8))
                .startsWith(
                        "a value of 3 bytes, key and headers of " + (7 + 5 + 1 + 7 + 4 + (140 << 10)) + ", SHA-256");
        assertThat(letter.headers().lastHeader("foreign")).isNull();
        assertThat(letter.value()).isEqualTo(POISON);
    }

    @Test
    void aRecordOfTheLargestSizeIsKeptWhole() {
        ConsumerRecord<String, byte[]> fits =
                new ConsumerRecord<>("millrace.checkpoints", 0, 5, "k".repeat(128 << 10), new byte[512 << 10]);

        ProducerRecord<byte[], byte[]> letter = letters.record(fits, "why");

        assertThat(DeadLetters.isCut(received(letter))).isFalse();
        assertThat(letter.key()).hasSize(128 << 10);
        assertThat(letter.value()).hasSize(512 << 10);
    }

    @Test
    void recordWithoutMarksIsNoDeadLetter() {
        assertThat(DeadLetters.origin(origin())).isEmpty();
        assertThat(DeadLetters.replay(new ConsumerRecord<>("t", 0, 0, new byte[0], POISON)))
                .isEmpty();
    }

    @Test
    void recordWithoutKeyOrValueIsKeptToo() {
        ConsumerRecord<String, byte[]> empty = new ConsumerRecord<>("t", 0, 0, null, null);

        ProducerRecord<byte[], byte[]> letter = letters.record(empty, "w".repeat(5000));

        assertThat(letter.key()).isNull();
        assertThat(letter.value()).isNull();
        assertThat(DeadLetters.origin(received(letter)).orElseThrow().why()).hasSize(2000);
    }

    private static ConsumerRecord<String, byte[]> origin() {
        return new ConsumerRecord<>(
                "millrace.checkpoints",
                3,
                41,
                0,
                TimestampType.CREATE_TIME,
                7,
                3,
                "chat-7b",
                POISON,
                new RecordHeaders().add("ce_id", new byte[] {7}),
                Optional.empty());
    }

    private static ConsumerRecord<byte[], byte[]> received(ProducerRecord<byte[], byte[]> sent) {
        return new ConsumerRecord<>(
                sent.topic(),
                0,
                0,
                0,
                TimestampType.CREATE_TIME,
                0,
                0,
                sent.key(),
                sent.value(),
                sent.headers(),
                Optional.empty());
    }
}
