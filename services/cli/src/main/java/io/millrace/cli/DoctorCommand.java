package io.millrace.cli;

import io.millrace.events.Device;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says what is wrong with an installation and what to do. */
@Command(
        name = "doctor",
        description =
                "Checks Java, disk, tensor engine, llama.cpp, broker, topics, share groups, policies, clocks, how long the"
                        + " conductor's offsets are kept, and store; says what is wrong and what to do. Ends with 6 if something is."
                        + " Where a store is named and no Kafka, and none runs in the home, the store is looked at alone.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  millrace doctor --kafka kafka:9092 --store /srv/millrace --devices cpu,h100",
            "  millrace doctor --store s3://models/millrace"
        })
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(
            names = "--devices",
            paramLabel = "DEVICE",
            split = ",",
            description = "Device classes whose queues are looked at (default: ${DEFAULT-VALUE}).")
    private List<String> devices = List.of("cpu");

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Finding> findings = new ArrayList<>();
        findings.add(MachineChecks.java());
        findings.add(MachineChecks.disk(cluster.home().folder()));
        findings.addAll(clusterFindings());
        findings.add(MachineChecks.tensors());
        findings.add(MachineChecks.llama());
        output.table(
                findings,
                List.of("check", "state", "found"),
                findings.stream()
                        .map(finding -> List.of(finding.check(), finding.fine() ? "ok" : "WRONG", finding.found()))
                        .toList(),
                "");
        return findings.stream().allMatch(Finding::fine) ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
    }

    private List<Finding> clusterFindings() throws IOException, InterruptedException {
        List<Finding> findings = new ArrayList<>();
        Optional<String> store = cluster.namedStore();
        try {
            Optional<Connection> connection =
                    store.isPresent() ? cluster.connectIfThere() : Optional.of(cluster.connect());
            if (connection.isPresent()) {
                findings.addAll(ClusterChecks.broker(
                        connection.get(), devices.stream().map(Device::new).toList()));
                store = connection.get().storePlace();
            }
        } catch (CommandFailure unreachable) {
            findings.add(new Finding("broker", false, String.valueOf(unreachable.getMessage())));
        }
        if (store.isPresent()) {
            MachineChecks.storeDisk(store.get(), cluster.home().folder()).ifPresent(findings::add);
            findings.add(ClusterChecks.store(store.get()));
        }
        return findings;
    }

    /** What a check found; if it is not fine, with the remedy. */
    record Finding(String check, boolean fine, String found) {}
}
