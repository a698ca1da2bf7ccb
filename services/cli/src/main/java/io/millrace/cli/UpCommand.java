package io.millrace.cli;

import io.millrace.cli.local.LocalMode;
import io.millrace.cli.local.LocalSettings;
import io.millrace.events.Device;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs everything on this machine. */
@Command(
        name = "up",
        description =
                "Runs everything on this machine until Ctrl-C: an embedded Kafka broker (or yours, with --kafka), the"
                        + " conductor, and each stage service as a process of its own. What it does survives in --home, its"
                        + " artifacts too unless --store names another place.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace up --home /srv/millrace --slots 2"})
final class UpCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(
            names = "--devices",
            paramLabel = "DEVICE",
            split = ",",
            description = "Device classes that this machine works for (default: ${DEFAULT-VALUE}).")
    private List<String> devices = List.of("cpu");

    @Option(
            names = "--slots",
            paramLabel = "N",
            description = "Jobs at a time of each stage service (default: ${DEFAULT-VALUE}).")
    private int slots = 1;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (cluster.kafka().isPresent()) {
            var _ = cluster.connect(); // fails with the broker's address, before anything is started
        }
        LocalSettings settings = new LocalSettings(
                cluster.home(),
                cluster.kafka(),
                cluster.kafkaSettings(),
                cluster.topics(),
                cluster.storeOfHome(),
                devices.stream().map(Device::new).toList(),
                slots);
        output.remark("starting "
                + cluster.kafka().map(kafka -> "").orElse("a Kafka broker, ")
                + "the conductor and four stage services in " + settings.home().folder() + " …");
        try (StopSignal stop = StopSignal.installForService();
                LocalMode local = LocalMode.start(settings, stop::raise)) {
            output.line(
                    Map.of(
                            "kafka", local.kafka(),
                            "store", settings.store(),
                            "logs", settings.home().logs().toString(),
                            "management-port", local.managementPort(),
                            "services", local.servicePids()),
                    () -> "Millrace runs in " + settings.home().folder() + "\n  Kafka    " + local.kafka()
                            + "\n  store    " + settings.store() + "\n  logs     "
                            + settings.home().logs()
                            + "\n  metrics  http://localhost:" + local.managementPort() + "/metrics (conductor)"
                            + "\n  next     millrace policy apply FILE; millrace publish DIR --model NAME --version V;"
                            + " millrace runs --watch\n  stop     Ctrl-C");
            String why = stop.await();
            output.remark(
                    stop.asked()
                            ? "stopping; 'millrace up' goes on where this ends, with the same --home"
                            : "stopping: " + why);
            return stop.asked() ? ExitCode.OK : ExitCode.FAILED;
        }
    }
}
