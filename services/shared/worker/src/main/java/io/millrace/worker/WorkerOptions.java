package io.millrace.worker;

import io.millrace.events.Device;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every worker has; each may be given as an environment variable instead. */
public final class WorkerOptions {
    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:MILLRACE_KAFKA:-localhost:9092}",
            description = "Kafka brokers to start from. MILLRACE_KAFKA; default: ${DEFAULT-VALUE}")
    private String kafka = "";

    @Option(
            names = "--kafka-config",
            paramLabel = "FILE",
            defaultValue = "${env:MILLRACE_KAFKA_CONFIG}",
            description = "Client properties for every Kafka client, such as security. MILLRACE_KAFKA_CONFIG")
    private @Nullable Path kafkaConfig;

    @Option(
            names = "--topic-prefix",
            paramLabel = "TEXT",
            defaultValue = "${env:MILLRACE_PREFIX:-millrace.}",
            description = "Prefix of the topics' names. MILLRACE_PREFIX; default: ${DEFAULT-VALUE}")
    private String prefix = "";

    @Option(
            names = "--store",
            paramLabel = "URI",
            required = true,
            defaultValue = "${env:MILLRACE_STORE}",
            description = "The artifact store: a folder that all workers share, or s3://bucket/prefix. MILLRACE_STORE")
    private String store = "";

    @Option(
            names = "--devices",
            paramLabel = "CLASS",
            split = ",",
            defaultValue = "${env:MILLRACE_DEVICES:-cpu}",
            description = "Device classes whose queues this worker serves. MILLRACE_DEVICES; default: ${DEFAULT-VALUE}")
    private List<String> devices = List.of();

    @Option(
            names = "--slots",
            paramLabel = "N",
            defaultValue = "${env:MILLRACE_SLOTS:-1}",
            description = "Jobs at a time. MILLRACE_SLOTS; default: ${DEFAULT-VALUE}")
    private int slots;

    @Option(
            names = "--work-folder",
            paramLabel = "FOLDER",
            defaultValue = "${env:MILLRACE_WORK_FOLDER:-${sys:java.io.tmpdir}/millrace-work}",
            description =
                    "Local disk for inputs and unfinished outputs. MILLRACE_WORK_FOLDER; default: ${DEFAULT-VALUE}")
    private Path workFolder = Path.of("");

    @Option(
            names = "--management-port",
            paramLabel = "PORT",
            defaultValue = "${env:MILLRACE_MANAGEMENT_PORT:-off}",
            description =
                    "Serves /metrics, /livez and /readyz; 0 picks a free port. MILLRACE_MANAGEMENT_PORT; default: ${DEFAULT-VALUE}")
    private String managementPort = "off";

    @Option(
            names = "--log-json",
            defaultValue = "${env:MILLRACE_LOG_JSON:-false}",
            description = "Log one JSON object a line. MILLRACE_LOG_JSON")
    private boolean logJson;

    @Option(names = "--with-parent", description = "Stop when the process that started this one ends.")
    private boolean withParent;

    public boolean logJson() {
        return logJson;
    }

    /** True if the worker must not outlive the process that started it. */
    public boolean withParent() {
        return withParent;
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
                        kafka, kafkaConfig == null ? Map.of() : KafkaSettings.read(kafkaConfig), new Topics(prefix)),
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
