package io.millrace.worker;

import io.millrace.events.Device;
import io.millrace.events.wire.Topics;
import io.millrace.worker.configuration.KafkaFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every worker has; each may stand in the environment or in a file instead. */
public final class WorkerOptions {
    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT",
            defaultValue = "localhost:9092",
            description = "Kafka brokers to start from (default: ${DEFAULT-VALUE}).")
    private String kafka = "";

    @Option(
            names = "--kafka-config",
            paramLabel = "FILE",
            description = "Client properties for every Kafka client, such as security.")
    private @Nullable Path kafkaConfig;

    @Option(
            names = "--topic-prefix",
            paramLabel = "TEXT",
            defaultValue = "millrace.",
            description = "Prefix of the topics' names (default: ${DEFAULT-VALUE}).")
    private String prefix = "";

    @Option(
            names = "--store",
            paramLabel = "URI",
            required = true,
            description = "The artifact store: a folder that all workers share, or s3://bucket/prefix.")
    private String store = "";

    @Option(
            names = "--devices",
            paramLabel = "CLASS",
            split = ",",
            defaultValue = "cpu",
            description = "Device classes whose queues this worker serves (default: ${DEFAULT-VALUE}).")
    private List<String> devices = List.of();

    @Option(
            names = "--slots",
            paramLabel = "N",
            defaultValue = "1",
            description = "Jobs at a time (default: ${DEFAULT-VALUE}).")
    private int slots;

    @Option(
            names = "--work-folder",
            paramLabel = "FOLDER",
            defaultValue = "${sys:java.io.tmpdir}/millrace-work",
            description = "Local disk for inputs and unfinished outputs (default: ${DEFAULT-VALUE}).")
    private Path workFolder = Path.of("");

    @Option(
            names = "--management-port",
            paramLabel = "PORT",
            defaultValue = "off",
            description = "Serves /metrics, /livez and /readyz; 0 picks a free port, for this machine alone "
                    + "(default: ${DEFAULT-VALUE}).")
    private String managementPort = "off";

    @Option(names = "--log-json", defaultValue = "false", description = "Log one JSON object a line.")
    private boolean logJson;

    @Option(names = "--with-parent", paramLabel = "PID", description = "Stop when the process with this id ends.")
    private @Nullable Long withParent;

    public boolean logJson() {
        return logJson;
    }

    /**
     * The process that the worker must not outlive. It is named: who asks for the parent's id after it died is told
     * another's.
     */
    public Optional<Long> withParent() {
        return Optional.ofNullable(withParent);
    }

    /**
     * What the options say.
     *
     * @throws IllegalArgumentException if a value makes no sense
     */
    public WorkerSettings settings(String service) throws IOException {
        return new WorkerSettings(
                service,
                new KafkaSettings(
                        kafka,
                        kafkaConfig == null
                                ? Map.of()
                                : KafkaFile.read(kafkaConfig).values(),
                        new Topics(prefix)),
                store,
                devices.stream().map(Device::new).toList(),
                slots,
                workFolder,
                port(managementPort),
                WorkerSettings.Limits.DEFAULT);
    }

    private static OptionalInt port(String text) {
        if (text.equals("off")) {
            return OptionalInt.empty();
        }
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > 65_535) {
            throw new IllegalArgumentException(
                    "--management-port is '" + text + "' but must be 'off' or a port, 0 to 65535");
        }
        return OptionalInt.of(Integer.parseInt(text));
    }
}
