package io.millrace.cli;

import io.millrace.client.ModelFiles;
import io.millrace.events.ModelPublished;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings a published model into a folder. */
@Command(
        name = "pull",
        description = "Brings the files of a published model into a folder, each verified against its digest.",
        footer = {
            "",
            "Examples:",
            "  millrace pull chat-7b phone ./chat-7b-phone",
            "  millrace pull chat-7b phone ./chat-7b-phone-4000 --version step-4000"
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class PullCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("UnusedVariable") // picocli acts on it
    @Mixin
    private final HelpOption help = new HelpOption();

    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(index = "0", paramLabel = "MODEL", description = "The model's name.")
    private String model = "";

    @Parameters(index = "1", paramLabel = "TARGET", description = "The target that it was made for.")
    private String target = "";

    @Parameters(index = "2", paramLabel = "DIR", description = "A new or empty folder.")
    private Path folder = Path.of("");

    @Option(
            names = "--version",
            paramLabel = "VERSION",
            description = "This version of the model, as it was published, instead of the newest.")
    private @Nullable String version;

    @Option(names = "--policy", paramLabel = "POLICY", description = "Where several policies have such a target.")
    private @Nullable String policy;

    /** What was pulled. */
    record Pulled(ModelPublished model, Path folder, List<String> files) {}

    @Override
    public Integer call() throws IOException {
        requireUsable();
        return StoppableWork.run(spec, output, () -> "nothing was left", this::pull);
    }

    private int pull(ProgressLine progress) throws IOException {
        progress.begin("pull");
        Connection connection = cluster.connect();
        ModelPublished found;
        try (TopicReader reader = connection.reader()) {
            found = choose(
                    reader.events(connection.topics().models(), ModelPublished.class),
                    reader.latest(connection.topics().modelsLatest(), ModelPublished.class));
        }
        try (ArtifactStore store = connection.storeToRead()) {
            Path place = ModelFiles.pull(store, found, folder, progress::showBytes);
            progress.clear();
            List<String> files = store.manifest(found.artifact()).files().stream()
                    .map(Manifest.Entry::name)
                    .toList();
            Pulled pulled = new Pulled(found, place, files);
            output.print(
                    pulled,
                    () -> found.model() + " " + found.version() + " for " + found.target() + " ("
                            + found.format() + " " + found.type() + ", " + Text.bytes(found.sizeBytes()) + ") is in "
                            + place + ": " + String.join(", ", files));
        }
        return ExitCode.OK;
    }

    private void requireUsable() throws IOException {
        if (!Files.isDirectory(folder)) {
            OutputPlace.require(folder, "name another DIR");
            return;
        }
        try (Stream<Path> entries = Files.list(folder)) {
            if (entries.findAny().isPresent()) {
                throw new CommandFailure(ExitCode.REFUSED, folder + " is not empty; name a new folder");
            }
        }
    }

    /**
     * Of the newest checkpoint. A changed policy or a computation anew makes several models of one: of these it is the one
     * that stands as the latest, else the one that was published last.
     */
    ModelPublished choose(List<ModelPublished> models, List<ModelPublished> latest) {
        List<ModelPublished> candidates = Stream.concat(models.stream(), latest.stream())
                .filter(published -> published.model().value().equals(model))
                .filter(published -> published.target().equals(target))
                .filter(published -> version == null || published.version().equals(version))
                .filter(published -> policy == null || published.policy().equals(policy))
                .toList();
        List<String> policies =
                candidates.stream().map(ModelPublished::policy).distinct().toList();
        if (policies.size() > 1) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "several policies have a target '" + target + "': " + policies + "; choose with --policy");
        }
        return candidates.stream()
                .reduce((best, later) -> best.source().isNewerThan(later.source()) ? best : later)
                .orElseThrow(() -> new CommandFailure(
                        ExitCode.NOT_FOUND,
                        "no model '" + model + "' for target '" + target + "'"
                                + (version == null ? "" : " of version '" + version + "'") + "; published: "
                                + published(models)));
    }

    private static String published(List<ModelPublished> models) {
        return models.isEmpty()
                ? "none"
                : models.stream()
                        .map(published -> published.model() + " " + published.version() + " " + published.target())
                        .distinct()
                        .sorted()
                        .collect(Collectors.joining(", "));
    }
}
