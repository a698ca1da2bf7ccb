package io.millrace.cli;

import io.millrace.store.ArtifactStore;
import io.millrace.store.Claim;
import io.millrace.store.Inventory;
import io.millrace.store.StoreCheck;
import io.millrace.store.StoreCheck.Report;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Reads a whole store and names what is damaged, what depends on it and what to do. */
@Command(
        name = "verify",
        description =
                "Reads every file of the store and compares it with its digest, every result with its artifact, and looks"
                        + " for what published models, checkpoints and policies need. Changes nothing; ends with 6 if something"
                        + " is damaged or missing. With --store alone it needs no Kafka, and then knows of results only.",
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

    /** What programs get. */
    record Verified(
            long blobs,
            long sizeBytes,
            long results,
            List<StoreFinding> damaged,
            List<Inventory.Leftover> leftovers,
            List<Claim> abandoned) {}

    @Override
    public Integer call() throws IOException {
        Optional<Connection> connection = cluster.connectIfThere();
        String place = cluster.storePlace(connection);
        return StoppableWork.run(spec, output, () -> "nothing was changed", progress -> {
            progress.begin("verify");
            StoreNeeds needs = connection.map(StoreNeeds::read).orElseGet(StoreNeeds::new);
            Report report;
            try (ArtifactStore store = Connection.openStoreToRead(place)) {
                report = new StoreCheck(store, progress::show).run(needs.artifacts());
            }
            progress.clear();
            print(report, needs);
            return report.whole() ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
        });
    }

    private void print(Report report, StoreNeeds needs) {
        List<StoreFinding> damaged = report.damages().stream()
                .map(damage -> StoreFinding.of(damage, needs))
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

    static String text(Report report, List<StoreFinding> damaged) {
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
                .append(" damaged or missing")
                .toString();
    }
}
