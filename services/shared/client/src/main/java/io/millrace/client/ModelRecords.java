package io.millrace.client;

import io.millrace.events.Event;
import io.millrace.events.ModelPublished;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import java.util.Optional;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the events of accepted models. What this version cannot read is passed over and logged, never fatal. */
final class ModelRecords {
    private static final Logger LOG = LoggerFactory.getLogger(ModelRecords.class);

    private final EventCodec codec;

    ModelRecords(EventCodec codec) {
        this.codec = codec;
    }

    /** Takes all of them, or none: one whose schema cannot be asked for just now comes again with the next poll. */
    void readAll(
            Consumer<String, byte[]> consumer,
            ConsumerRecords<String, byte[]> messages,
            java.util.function.Consumer<ConsumerRecord<String, byte[]>> each) {
        try {
            messages.forEach(each);
        } catch (KafkaException e) {
            for (TopicPartition partition : messages.partitions()) {
                consumer.seek(partition, messages.records(partition).getFirst().offset());
            }
            throw e;
        }
    }

    Optional<ModelPublished> read(ConsumerRecord<String, byte[]> message) {
        return switch (codec.decode(message.value())) {
            case Decoded.Known(ModelPublished model) -> Optional.of(model);
            case Decoded.Known(Event other) ->
                passOver(message, other.getClass().getSimpleName());
            case Decoded.UnknownKind(String schemaName) -> passOver(message, schemaName);
            case Decoded.Undecodable(String why) -> passOver(message, why);
        };
    }

    private static Optional<ModelPublished> passOver(ConsumerRecord<String, byte[]> message, String what) {
        LOG.atWarn()
                .addKeyValue("topic", message.topic())
                .addKeyValue("partition", message.partition())
                .addKeyValue("offset", message.offset())
                .log("a record was passed over, it is no accepted model: {}", what);
        return Optional.empty();
    }
}
