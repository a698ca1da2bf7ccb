package io.millrace.conductor.topology;

import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.streams.processor.api.ProcessingContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/** Where the record that is being read came from. */
final class Origin {
    private Origin() {}

    static RecordMetadata of(ProcessingContext context) {
        return context.recordMetadata()
                .orElseThrow(() -> new IllegalStateException("a record from a topic has a topic"));
    }

    static ConsumerRecord<String, byte[]> record(Record<String, byte[]> record, RecordMetadata metadata) {
        byte[] value = record.value() == null ? new byte[0] : record.value();
        return new ConsumerRecord<>(
                metadata.topic(),
                metadata.partition(),
                metadata.offset(),
                record.timestamp(),
                TimestampType.CREATE_TIME,
                ConsumerRecord.NULL_SIZE,
                value.length,
                record.key(),
                value,
                record.headers(),
                Optional.empty());
    }
}
