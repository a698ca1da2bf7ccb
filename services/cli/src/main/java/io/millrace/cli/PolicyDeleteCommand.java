package io.millrace.cli;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Takes a policy out of force. */
@Command(
        name = "delete",
        description = "Takes a policy out of force. Runs that it started go on.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace policy delete chat-models"})
final class PolicyDeleteCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "POLICY", description = "The policy's name.")
    private String name = "";

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        String topic = connection.topics().policies();
        try (TopicReader reader = connection.reader()) {
            Set<String> present = reader.policies().names();
            if (!present.contains(name)) {
                throw new CommandFailure(
                        ExitCode.NOT_FOUND,
                        "no policy '" + name + "'; policies: "
                                + (present.isEmpty() ? "none" : String.join(", ", present)));
            }
        }
        try (Producer<String, byte[]> producer = connection.producer()) {
            connection.sendNow(producer, new ProducerRecord<>(topic, name, null));
        }
        output.print(Map.of("deleted", name), () -> "policy '" + name + "' is no longer in force");
        return ExitCode.OK;
    }
}
