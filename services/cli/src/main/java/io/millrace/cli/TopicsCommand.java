package io.millrace.cli;

import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.Admin;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The topics of a cluster. */
@Command(
        name = "topics",
        description = "Creates and checks the topics.",
        mixinStandardHelpOptions = true,
        subcommands = TopicsCommand.Apply.class,
        footer = {"", "Example:", "  millrace topics apply --kafka kafka:9092 --devices cpu,h100 --replication 3"})
final class TopicsCommand extends CommandGroup {
    /** Creates what is missing. */
    @Command(
            name = "apply",
            description = "Creates the topics that are missing and sets their retention and the share groups' settings;"
                    + " refuses to change a number of partitions.",
            mixinStandardHelpOptions = true,
            footer = {"", "Example:", "  millrace topics apply --kafka kafka:9092 --devices cpu,h100 --replication 3"})
    static final class Apply implements Callable<Integer> {
        @Mixin
        private final Cluster cluster = new Cluster();

        @Mixin
        private final Output output = new Output();

        @Option(
                names = "--devices",
                paramLabel = "DEVICE",
                split = ",",
                description = "Device classes to create job topics for (default: ${DEFAULT-VALUE}).")
        private List<String> devices = List.of("cpu");

        @Option(
                names = "--replication",
                paramLabel = "N",
                description = "Copies of each topic (default: ${DEFAULT-VALUE}).")
        private short replication = 1;

        @Override
        public Integer call() throws IOException, InterruptedException {
            List<Device> classes = devices.stream().map(Device::new).toList();
            Connection connection = cluster.connect();
            try (Admin admin = connection.admin()) {
                TopicAdmin.apply(admin, connection.topics(), classes, replication);
            }
            output.print(
                    Map.of(
                            "kafka",
                            connection.address(),
                            "prefix",
                            connection.topics().prefix(),
                            "devices",
                            devices),
                    () -> "the topics " + connection.topics().prefix() + "* at " + connection.address()
                            + " are as they should be, with job topics for " + String.join(", ", devices));
            return ExitCode.OK;
        }
    }
}
