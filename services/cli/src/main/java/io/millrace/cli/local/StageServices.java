package io.millrace.cli.local;

import io.millrace.events.Device;
import io.millrace.worker.WorkerSettings;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;

/** The four stage services of a local Millrace, each a process that does not outlive this one. */
final class StageServices implements AutoCloseable {
    /** A job's answer to SIGTERM is published within this time, also that of one which does not answer the interrupt. */
    private static final Duration PATIENCE =
            WorkerSettings.Limits.DEFAULT.interrupt().plusSeconds(10);

    /** Works in a few buffers; the default collector lets the heap grow tenfold before it looks for garbage. */
    private static final String FRUGAL = "quantizer";

    private static final List<String> FRUGAL_HEAP = List.of("-XX:+UseSerialGC", "-Xms64m", "-Xmn32m");

    private static final Map<String, String> MAIN_CLASSES = mainClasses();

    private final List<ServiceProcess> processes = new ArrayList<>();

    private StageServices() {}

    static StageServices start(LocalSettings settings, String kafka) throws IOException {
        StageServices services = new StageServices();
        try {
            for (Map.Entry<String, String> service : MAIN_CLASSES.entrySet()) {
                JavaCommand command = new JavaCommand(
                        service.getKey(),
                        service.getValue(),
                        service.getKey().equals(FRUGAL) ? FRUGAL_HEAP : List.of(),
                        arguments(settings, kafka, service.getKey()));
                services.processes.add(
                        ServiceProcess.start(command, settings.home().logs()));
            }
            return services;
        } catch (IOException e) {
            services.close();
            throw e;
        }
    }

    /** Process ids by service. */
    Map<String, Long> pids() {
        return processes.stream().collect(Collectors.toMap(ServiceProcess::name, ServiceProcess::pid));
    }

    /** Asks all to end, then waits for each. */
    @Override
    public void close() {
        processes.forEach(ServiceProcess::stop);
        long endNanos = System.nanoTime() + PATIENCE.toNanos();
        for (ServiceProcess process : processes) {
            process.awaitEnd(Duration.ofNanos(Math.max(0, endNanos - System.nanoTime())));
        }
    }

    private static List<String> arguments(LocalSettings settings, String kafka, String service) throws IOException {
        Home home = settings.home();
        List<String> arguments = new ArrayList<>(List.of(
                "--kafka",
                kafka,
                "--topic-prefix",
                settings.topics().prefix(),
                "--store",
                settings.store(),
                "--devices",
                settings.devices().stream().map(Device::name).collect(Collectors.joining(",")),
                "--slots",
                Integer.toString(settings.slots()),
                "--work-folder",
                home.work().resolve(service).toString(),
                "--management-port",
                "0",
                "--with-parent",
                Long.toString(ProcessHandle.current().pid())));
        if (!settings.kafkaSettings().isEmpty()) {
            arguments.addAll(
                    List.of("--kafka-config", clientProperties(settings).toString()));
        }
        return arguments;
    }

    static Path clientProperties(LocalSettings settings) throws IOException {
        Properties properties = new Properties();
        settings.kafkaSettings().forEach((name, value) -> properties.setProperty(name, value.toString()));
        Path file = settings.home().folder().resolve("client.properties");
        Files.deleteIfExists(file);
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            // A password may be among them.
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        try (Writer writer = Files.newBufferedWriter(file)) {
            properties.store(writer, "from --kafka-config");
        }
        return file;
    }

    private static Map<String, String> mainClasses() {
        Map<String, String> classes = new LinkedHashMap<>();
        classes.put("pruner", "io.millrace.pruner.Main");
        classes.put("distiller", "io.millrace.distiller.Main");
        classes.put("quantizer", "io.millrace.quantizer.Main");
        classes.put("benchmarker", "io.millrace.benchmarker.Main");
        return classes;
    }
}
