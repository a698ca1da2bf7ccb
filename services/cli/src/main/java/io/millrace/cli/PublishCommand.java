package io.millrace.cli;

import io.millrace.client.CheckpointFolder;
import io.millrace.client.Publisher;
import io.millrace.client.RefusedCheckpointException;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Failure;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.store.ArtifactStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Publishes a checkpoint. */
@Command(
        name = "publish",
        description =
                "Publishes the checkpoint in a Hugging Face folder and tells which runs that starts. The folder stays"
                        + " where it is, on a path that the stages share; it must not change from now on. With --copy"
                        + " its files go into the store. Files that do not belong to the model, such as a trainer's"
                        + " pickles, are neither read nor stored.",
        footer = {
            "",
            "Examples:",
            "  millrace publish ./step-4000 --model chat-7b --version step-4000",
            "  millrace publish ./step-4000 --model chat-7b --version step-4000 --copy --store s3://bucket/millrace --kafka"
                    + " kafka:9092"
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class PublishCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    /** The conductor plans within a second; a busy machine may need longer. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(20);

    private static final long LOOK_AGAIN_MILLIS = 200;

    @SuppressWarnings("UnusedVariable") // picocli acts on it
    @Mixin
    private final HelpOption help = new HelpOption();

    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "DIR", description = "Folder with config.json, *.safetensors and tokenizer.json.")
    private Path folder = Path.of("");

    @Option(names = "--model", paramLabel = "MODEL", required = true, description = "The model's name.")
    private String model = "";

    @Option(names = "--version", paramLabel = "VERSION", required = true, description = "Unique within the model.")
    private String version = "";

    @Option(names = "--step", paramLabel = "N", description = "Training step.")
    private long step;

    @Option(
            names = "--copy",
            description = "Copy the files into the store: the folder may be on this machine alone, and may change or go"
                    + " afterwards, as a trainer deletes older checkpoints.")
    private boolean copy;

    @Option(names = "--label", paramLabel = "NAME=VALUE", description = "Any remark; may be repeated.")
    private Map<String, String> labels = Map.of();

    /**
     * What came of it.
     *
     * @param leftOut what lies in the folder and is no part of the checkpoint
     */
    record Published(CheckpointPublished checkpoint, SortedSet<String> leftOut, List<RunChanged> runs) {}

    @Override
    public Integer call() throws IOException {
        if (Files.isRegularFile(folder)) {
            throw new CommandFailure(ExitCode.REFUSED, folder + " is a file, expected the folder of a checkpoint");
        }
        if (!Files.isDirectory(folder)) {
            throw MissingFolder.failure(folder);
        }
        Publisher.Release release = release();
        CheckpointFolder opened = open();
        opened.doubt().ifPresent(output::remark);
        return StoppableWork.run(
                spec,
                output,
                () ->
                        "it may have been announced; 'millrace runs' shows that, and to publish it again is no second run",
                progress -> publish(opened, release, progress));
    }

    private int publish(CheckpointFolder opened, Publisher.Release release, ProgressLine progress)
            throws IOException, InterruptedException {
        progress.begin("publish");
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            List<Policy> policies = reader.latest(connection.topics().policies(), Policy.class);
            CheckpointPublished checkpoint = announce(connection, opened, release, progress);
            progress.clear();
            Set<RunId> expected = policies.stream()
                    .filter(policy -> policy.matches(release.model()))
                    .flatMap(policy ->
                            policy.targets().stream().map(target -> RunId.of(checkpoint, policy.name(), target)))
                    .collect(Collectors.toSet());
            if (expected.isEmpty()) {
                refuseAnotherOfThisVersion(reader, connection.topics().checkpoints(), checkpoint);
            }
            List<RunChanged> runs = await(reader, connection.topics().runs(), expected);
            output.print(
                    new Published(checkpoint, opened.leftOut(), runs),
                    () -> leftOut(opened) + text(checkpoint, runs, policies, expected.size()));
            return runs.stream().anyMatch(PublishCommand::conflicting) ? ExitCode.REFUSED : ExitCode.OK;
        }
    }

    /** A run would say so: the conductor plans nothing for files that came second, with a later policy either. */
    private static void refuseAnotherOfThisVersion(TopicReader reader, String topic, CheckpointPublished checkpoint) {
        String key = checkpoint.model().value();
        reader.events(topic, key, Instant.EPOCH, CheckpointPublished.class).stream()
                .filter(former -> former.model().equals(checkpoint.model())
                        && former.version().equals(checkpoint.version()))
                .findFirst()
                .filter(first -> !first.artifact()
                        .manifest()
                        .equals(checkpoint.artifact().manifest()))
                .ifPresent(first -> {
                    throw new CommandFailure(
                            ExitCode.REFUSED,
                            "version '" + checkpoint.version() + "' of '" + key + "' was published with other files at "
                                    + first.publishedAt() + ", and those stand; publish under a new version");
                });
    }

    /** Decided before any run of it begins. What else fails is told by the run, sooner or later. */
    private static boolean conflicting(RunChanged run) {
        return run.failure().map(Failure::reason).equals(Optional.of(Reason.VERSION_CONFLICT));
    }

    private Publisher.Release release() {
        try {
            return new Publisher.Release(new ModelName(model), version, step, Optional.empty(), labels);
        } catch (IllegalArgumentException e) {
            throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        }
    }

    private CheckpointFolder open() throws IOException {
        try {
            return CheckpointFolder.open(folder.toAbsolutePath().normalize());
        } catch (RefusedCheckpointException e) {
            throw new CommandFailure(ExitCode.REFUSED, String.valueOf(e.getMessage()), e);
        }
    }

    private CheckpointPublished announce(
            Connection connection, CheckpointFolder checkpoint, Publisher.Release release, ProgressLine progress)
            throws IOException, InterruptedException {
        connection
                .newStoreFolder()
                .ifPresent(made -> output.remark(made
                        + " was not there and becomes a store; workers with another --store find no files in theirs"));
        try (ArtifactStore store = connection.store();
                Publisher publisher = new Publisher(
                        connection.kafka(), store, connection.topics().prefix())) {
            return copy
                    ? publisher.publishCopy(checkpoint, release, progress::showBytes)
                    : publisher.publish(checkpoint, release, progress::showBytes);
        } catch (IOException e) {
            // Kafka did not take the event, or did not answer; anything else is the store's.
            if (e.getCause() instanceof ExecutionException || e.getCause() instanceof TimeoutException) {
                throw new CommandFailure(ExitCode.UNAVAILABLE, String.valueOf(e.getMessage()), e);
            }
            throw e;
        }
    }

    /** A line about what is no part of the checkpoint; empty if there is nothing. */
    static String leftOut(CheckpointFolder checkpoint) {
        return checkpoint.leftOut().isEmpty()
                ? ""
                : "left out, neither read nor stored: " + String.join(", ", checkpoint.leftOut()) + "\n";
    }

    private static List<RunChanged> await(TopicReader reader, String topic, Set<RunId> expected)
            throws InterruptedException {
        long endNanos = System.nanoTime() + LONGEST_WAIT.toNanos();
        while (true) {
            List<RunChanged> runs = reader.latest(topic, RunChanged.class).stream()
                    .filter(run -> expected.contains(run.run()))
                    .toList();
            if (runs.size() == expected.size() || System.nanoTime() - endNanos > 0) {
                return runs;
            }
            Thread.sleep(LOOK_AGAIN_MILLIS);
        }
    }

    /** @param expected how many runs the policies ask for */
    static String text(CheckpointPublished checkpoint, List<RunChanged> runs, List<Policy> policies, int expected) {
        ModelName name = checkpoint.model();
        String published = name + " " + checkpoint.version() + " is published";
        if (expected == 0) {
            return published + "; no policy matches " + name + "; policies: "
                    + (policies.isEmpty()
                            ? "none"
                            : policies.stream()
                                    .map(policy -> policy.name() + " (" + policy.models() + ")")
                                    .collect(Collectors.joining(", ")));
        }
        StringBuilder text = new StringBuilder(published).append("; runs:");
        runs.forEach(run -> text.append("\n  ")
                .append(run.run().digest().abbreviated())
                .append("  ")
                .append(run.target())
                .append("  ")
                .append(run.status().wireName())
                .append(run.failure()
                        .map(failure -> ", " + failure.reason().code() + ": " + failure.message())
                        .orElse(run.status().ended() ? ": " + run.message() : "")));
        if (runs.size() < expected) {
            text.append("\n  and ")
                    .append(expected - runs.size())
                    .append(
                            " not planned yet; is the conductor running, and does 'millrace dead-letters list' show the checkpoint?");
        }
        return text.toString();
    }
}
