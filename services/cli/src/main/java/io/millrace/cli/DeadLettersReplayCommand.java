package io.millrace.cli;

import io.millrace.events.wire.DeadLetters;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Sends dead letters to where they came from. */
@Command(
        name = "replay",
        description =
                "Sends dead letters to the topics that they came from, byte for byte; after an upgrade that can read"
                        + " them, for example.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace dead-letters replay 3 4"})
final class DeadLettersReplayCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "NUMBER", arity = "1..*", description = "Numbers that 'dead-letters list' shows.")
    private List<Long> numbers = List.of();

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        List<ProducerRecord<byte[], byte[]>> originals = originals(connection);
        Map<String, Object> settings = new HashMap<>(connection.kafka());
        settings.put("acks", "all");
        settings.put("max.block.ms", 15_000);
        try (Producer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            originals.forEach(original -> connection.sendNow(producer, original));
        }
        output.print(
                Map.of("replayed", numbers),
                () -> "sent to their topics again: " + originals.size()
                        + "; what still cannot be read comes back under a new number");
        return ExitCode.OK;
    }

    /** All of them before the first is sent: a wrong number sends nothing. */
    private List<ProducerRecord<byte[], byte[]>> originals(Connection connection) {
        try (TopicReader reader = connection.reader()) {
            List<ConsumerRecord<byte[], byte[]>> letters =
                    reader.records(connection.topics().deadLetters());
            return numbers.stream().map(number -> original(letters, number)).toList();
        }
    }

    private static ProducerRecord<byte[], byte[]> original(List<ConsumerRecord<byte[], byte[]>> letters, long number) {
        ConsumerRecord<byte[], byte[]> letter = letters.stream()
                .filter(record -> record.offset() == number)
                .findFirst()
                .orElseThrow(() -> new CommandFailure(
                        ExitCode.NOT_FOUND, "no dead letter " + number + "; 'millrace dead-letters list' shows all"));
        return DeadLetters.replay(letter)
                .orElseThrow(() -> new CommandFailure(
                        ExitCode.REFUSED,
                        "dead letter " + number
                                + (DeadLetters.isCut(letter)
                                        ? " was too large to be kept whole; send the record itself again"
                                        : " names no topic that it came from")));
    }
}
