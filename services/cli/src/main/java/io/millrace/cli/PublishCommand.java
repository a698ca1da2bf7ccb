package io.millrace.cli;

import io.millrace.client.Publisher;
import io.millrace.client.RefusedCheckpointException;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.store.ArtifactStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Publishes a checkpoint. */
@Command(
        name = "publish",
        description =
                "Publishes the checkpoint in a Hugging Face folder and tells which runs that starts. The folder stays"
                        + " where it is; it must not change from now on.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace publish ./step-4000 --model chat-7b --version step-4000"})
final class PublishCommand implements Callable<Integer> {
    /** The conductor plans within a second; a busy machine may need longer. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(20);

    private static final long LOOK_AGAIN_MILLIS = 200;

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

    @Option(names = "--label", paramLabel = "NAME=VALUE", description = "Any remark; may be repeated.")
    private Map<String, String> labels = Map.of();

    /** What came of it. */
    record Published(CheckpointPublished checkpoint, List<RunChanged> runs) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!Files.isDirectory(folder)) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "there is no folder " + folder);
        }
        ModelName name = new ModelName(model);
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            List<Policy> policies = reader.latest(connection.topics().policies(), Policy.class);
            CheckpointPublished checkpoint = publish(connection, name);
            Set<RunId> expected = policies.stream()
                    .filter(policy -> policy.matches(name))
                    .flatMap(policy ->
                            policy.targets().stream().map(target -> RunId.of(checkpoint, policy.name(), target)))
                    .collect(Collectors.toSet());
            List<RunChanged> runs = await(reader, connection.topics().runs(), expected);
            output.print(new Published(checkpoint, runs), () -> text(name, runs, policies, expected.size()));
        }
        return ExitCode.OK;
    }

    private CheckpointPublished publish(Connection connection, ModelName name)
            throws IOException, InterruptedException {
        try (ArtifactStore store = connection.store();
                Publisher publisher = new Publisher(
                        connection.kafka(), store, connection.topics().prefix())) {
            return publisher.publish(folder.toAbsolutePath().normalize(), name.value(), version, step, labels);
        } catch (RefusedCheckpointException e) {
            throw new CommandFailure(ExitCode.REFUSED, String.valueOf(e.getMessage()), e);
        }
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

    private String text(ModelName name, List<RunChanged> runs, List<Policy> policies, int expected) {
        String published = name + " " + version + " is published";
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
                .append(run.status().wireName()));
        if (runs.size() < expected) {
            text.append("\n  and ")
                    .append(expected - runs.size())
                    .append(" not planned yet; is the conductor running?");
        }
        return text.toString();
    }
}
