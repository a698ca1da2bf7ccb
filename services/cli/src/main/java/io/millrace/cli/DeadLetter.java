package io.millrace.cli;

import io.millrace.events.wire.DeadLetters;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * A dead letter as commands show it.
 *
 * @param number its offset, by which {@code replay} names it
 */
record DeadLetter(long number, Instant since, Optional<DeadLetters.Origin> origin, int sizeBytes) {
    static List<DeadLetter> of(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream()
                .map(record -> new DeadLetter(
                        record.offset(),
                        Instant.ofEpochMilli(record.timestamp()),
                        DeadLetters.origin(record),
                        record.value() == null ? 0 : record.value().length))
                .toList();
    }

    List<String> row() {
        return List.of(
                Long.toString(number),
                since.toString(),
                origin.map(from -> from.topic() + " " + from.partition() + ":" + from.offset())
                        .orElse("unknown"),
                origin.map(DeadLetters.Origin::service).orElse("unknown"),
                Text.bytes(sizeBytes),
                origin.map(DeadLetters.Origin::why).orElse("its headers do not say"));
    }
}
