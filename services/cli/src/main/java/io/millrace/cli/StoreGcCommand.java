package io.millrace.cli;

import io.millrace.store.ArtifactStore;
import io.millrace.store.ForeignStoreException;
import io.millrace.store.GarbageCollection;
import io.millrace.store.GarbageCollection.Collected;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Frees the room of what nothing names any more. */
@Command(
        name = "gc",
        description =
                "Deletes results and files that no live or failed run, published model, policy or checkpoint names."
                        + " Workers may go on meanwhile. Safe to stop and to run again.",
        mixinStandardHelpOptions = true,
        footer = {"", "Examples:", "  millrace store gc --dry-run", "  millrace store gc --grace 30d"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StoreGcCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(
            names = "--grace",
            paramLabel = "AGE",
            converter = Grace.class,
            description = "Nothing younger is deleted, such as 36h or 30d; one day at least (default: 7d).")
    private Duration grace = Duration.ofDays(7);

    @Option(names = "--dry-run", description = "Says what would be deleted and deletes nothing.")
    private boolean dryRun;

    /** {@code 36h}, {@code 7d}. */
    static final class Grace implements ITypeConverter<Duration> {
        private static final Pattern FORM = Pattern.compile("([0-9]{1,5})([hd])");

        @Override
        public Duration convert(String value) {
            Matcher form = FORM.matcher(value);
            if (!form.matches()) {
                throw new TypeConversionException("'" + value + "' is no age; write hours or days, such as 36h or 7d");
            }
            long number = Long.parseLong(form.group(1));
            Duration age = form.group(2).equals("h") ? Duration.ofHours(number) : Duration.ofDays(number);
            if (age.compareTo(GarbageCollection.LEAST_GRACE) < 0) {
                throw new TypeConversionException("'" + value + "' is shorter than a day; a job that is at work now"
                        + " must be able to commit what it put into the store");
            }
            return age;
        }
    }

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        String place = cluster.storePlace(Optional.of(connection));
        return StoppableWork.run(
                spec, output, () -> "what was deleted by then is gone; the rest is whole", progress -> {
                    progress.begin("gc");
                    try (ArtifactStore store = Connection.openStore(place)) {
                        Collected collected = new GarbageCollection(
                                        store, () -> TopicRoots.read(connection), grace, dryRun)
                                .run(progress::show);
                        progress.clear();
                        output.print(collected, () -> text(collected, dryRun));
                    } catch (ForeignStoreException e) {
                        throw new CommandFailure(ExitCode.REFUSED, String.valueOf(e.getMessage()), e);
                    }
                    return ExitCode.OK;
                });
    }

    static String text(Collected collected, boolean dryRun) {
        return (dryRun ? "would delete " : "deleted ") + collected.results() + " results and " + collected.blobs()
                + " blobs (" + Text.bytes(collected.sizeBytes()) + "); " + collected.blobsKept() + " blobs ("
                + Text.bytes(collected.sizeBytesKept()) + ") stay";
    }
}
