package io.millrace.cli;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.millrace.cli.local.WritableFolder;
import io.millrace.conductor.Conductor;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.run.Limits;
import io.millrace.worker.observe.LogFormat;
import io.millrace.worker.observe.ManagementServer;
import io.millrace.worker.observe.ProcessMetrics;
import io.millrace.worker.observe.QueueLag;
import io.millrace.worker.observe.Traces;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs a conductor alone. */
@Command(
        name = "conductor",
        description = "Runs a conductor against a cluster. Several share the work.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace conductor --kafka kafka:9092 --state /var/lib/millrace/conductor"})
final class ConductorCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "Folder of its state, rebuilt from Kafka where it is lost (default: ${DEFAULT-VALUE}).")
    private Path state = Path.of("millrace-conductor");

    @Option(names = "--threads", paramLabel = "N", description = "Stream threads (default: ${DEFAULT-VALUE}).")
    private int threads = 1;

    @Option(
            names = "--replication",
            paramLabel = "N",
            description = "Copies of its internal topics (default: what the broker is set to).")
    private short replication = -1;

    @Option(
            names = "--management-port",
            paramLabel = "PORT",
            description = "Port of /metrics, /livez and /readyz; 0 picks a free one, for this machine alone "
                    + "(default: ${DEFAULT-VALUE}).")
    private int managementPort = 0;

    @Option(names = "--log-json", description = "Log one JSON object a line.")
    private boolean logJson;

    @Override
    public Integer call() throws IOException, InterruptedException {
        // The stages were made for the command tree before, so the quiet log of the commands stands already.
        (logJson ? LogFormat.JSON : LogFormat.TEXT).apply();
        Connection connection = cluster.connect();
        connection.requireTopics();
        WritableFolder.make(state, "--state");
        PrometheusMeterRegistry registry = ProcessMetrics.registry();
        try (Traces traces = Traces.of("conductor", System.getenv())) {
            return run(connection, registry, traces);
        }
    }

    private int run(Connection connection, PrometheusMeterRegistry registry, Traces traces)
            throws IOException, InterruptedException {
        ConductorSettings settings = new ConductorSettings(
                connection.kafka(),
                connection.topics(),
                connection.topics().prefix() + "conductor",
                state,
                replication,
                threads,
                Limits.DEFAULT,
                ConductorSettings.Pace.CLUSTER,
                registry,
                traces::ended);
        try (StopSignal stop = StopSignal.installForService();
                Conductor conductor = Conductor.start(settings);
                QueueLag _ = QueueLag.start(connection.kafka(), connection.topics(), registry);
                ManagementServer management = ManagementServer.start(
                        managementPort, registry::scrape, () -> !conductor.hasFailed(), conductor::isReady)) {
            Thread.ofVirtual().name("watch-conductor").start(() -> {
                try {
                    conductor.awaitEnd();
                    stop.raise("it could not go on; its log says why");
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            output.line(
                    Map.of(
                            "kafka", connection.address(),
                            "state", state.toString(),
                            "management-port", management.port()),
                    () -> "the conductor works on " + connection.address() + ", state in " + state
                            + ", metrics on port " + management.port());
            String why = stop.await();
            output.remark("stopping: " + why);
            return stop.asked() ? ExitCode.OK : ExitCode.FAILED;
        }
    }
}
