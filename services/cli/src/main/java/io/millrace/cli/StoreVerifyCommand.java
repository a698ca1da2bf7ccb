package io.millrace.cli;

import io.millrace.events.JobKey;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.StepDone;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Claim;
import io.millrace.store.Inventory;
import io.millrace.store.StoreCheck;
import io.millrace.store.StoreCheck.Damage;
import io.millrace.store.StoreCheck.Report;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Reads a whole store and names what is damaged, what depends on it and what to do. */
@Command(
        name = "verify",
        description =
                "Reads every file of the store and compares it with its digest, and every result with its artifact."
                        + " Changes nothing; ends with 6 if something is damaged. With --store alone it needs no Kafka, and then"
                        + " names jobs only, not their runs.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  millrace store verify",
            "  millrace store verify --store s3://models/millrace --output json"
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StoreVerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    /** Something damaged, with the runs that used it and what to do. */
    record Finding(String place, String found, List<JobKey> neededBy, List<RunId> runs, String remedy) {
        static Finding of(Damage damage, Map<JobKey, Set<RunId>> runsOfJobs) {
            List<RunId> runs = damage.neededBy().stream()
                    .flatMap(job -> runsOfJobs.getOrDefault(job, Set.of()).stream())
                    .distinct()
                    .toList();
            return new Finding(damage.place(), damage.found(), damage.neededBy(), runs, remedy(damage, runs));
        }

        private static String remedy(Damage damage, List<RunId> runs) {
            String delete = damage.missing() ? "" : "delete it, then ";
            if (!runs.isEmpty()) {
                return delete + "compute it again: "
                        + runs.stream()
                                .map(run -> "'millrace retry " + run.digest().abbreviated() + " --recompute'")
                                .collect(Collectors.joining(" or "));
            }
            return damage.neededBy().isEmpty()
                    ? delete + "apply the policy or publish the checkpoint again that has it; no result needs it"
                    : delete + "leave it: the job is computed again when a run asks for it";
        }

        String text() {
            String needs = neededBy.isEmpty()
                    ? ""
                    : "\n  needed by job" + (neededBy.size() == 1 ? " " : "s ")
                            + neededBy.stream()
                                    .map(job -> job.digest().abbreviated())
                                    .collect(Collectors.joining(", "));
            return place + "\n  " + found + needs + "\n  " + remedy;
        }
    }

    /** What programs get. */
    record Verified(
            long blobs,
            long sizeBytes,
            long results,
            List<Finding> damaged,
            List<Inventory.Leftover> leftovers,
            List<Claim> abandoned) {}

    @Override
    public Integer call() throws IOException {
        Optional<Connection> connection = cluster.connectIfThere();
        String place = cluster.storePlace(connection);
        return StoppableWork.run(spec, output, "nothing was changed", progress -> {
            progress.begin("verify");
            Report report;
            try (ArtifactStore store = Connection.openStore(place)) {
                report = new StoreCheck(store, progress::show).run();
            }
            progress.clear();
            print(report, connection.map(StoreVerifyCommand::runsOfJobs).orElse(Map.of()));
            return report.whole() ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
        });
    }

    private static Map<JobKey, Set<RunId>> runsOfJobs(Connection connection) {
        Map<JobKey, Set<RunId>> runs = new TreeMap<>();
        try (TopicReader reader = connection.reader()) {
            for (RunChanged run : reader.latest(connection.topics().runs(), RunChanged.class)) {
                Stream.concat(
                                run.finished().stream(),
                                run.tried().stream().flatMap(candidate -> candidate.steps().stream()))
                        .map(StepDone::job)
                        .forEach(job -> runs.computeIfAbsent(job, _ -> new LinkedHashSet<>())
                                .add(run.run()));
            }
        }
        return runs;
    }

    private void print(Report report, Map<JobKey, Set<RunId>> runsOfJobs) {
        List<Finding> damaged = report.damages().stream()
                .map(damage -> Finding.of(damage, runsOfJobs))
                .toList();
        output.print(
                new Verified(
                        report.blobs(),
                        report.sizeBytes(),
                        report.results(),
                        damaged,
                        report.leftovers(),
                        report.abandoned()),
                () -> text(report, damaged));
    }

    private static String text(Report report, List<Finding> damaged) {
        StringBuilder text = new StringBuilder();
        damaged.forEach(finding -> text.append(finding.text()).append('\n'));
        report.leftovers()
                .forEach(left -> text.append(left.name())
                        .append("\n  is being written since ")
                        .append(Text.duration(left.age()))
                        .append(", or was left behind; it is swept when it is a day old\n"));
        report.abandoned()
                .forEach(claim -> text.append("claim on job ")
                        .append(claim.key().digest().abbreviated())
                        .append("\n  its holder ")
                        .append(claim.holder())
                        .append(" gives no sign of life; the next worker takes it over\n"));
        return text.append(report.blobs())
                .append(" blobs (")
                .append(Text.bytes(report.sizeBytes()))
                .append(") and ")
                .append(report.results())
                .append(" results read, ")
                .append(damaged.size())
                .append(" damaged")
                .toString();
    }
}
