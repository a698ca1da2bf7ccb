package io.millrace.cli;

import io.millrace.events.ModelPublished;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists published models. */
@Command(
        name = "models",
        description = "Lists the compressed models that passed their gates, newest first.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace models --latest --output json"})
final class ModelsCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(names = "--latest", description = "Only the newest of each model, policy and target.")
    private boolean latest;

    @Option(names = "--model", paramLabel = "MODEL", description = "Only of this model.")
    private @Nullable String model;

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            List<ModelPublished> all = latest
                    ? reader.latest(connection.topics().modelsLatest(), ModelPublished.class)
                    : reader.events(connection.topics().models(), ModelPublished.class);
            List<ModelPublished> models = all.stream()
                    .filter(published ->
                            model == null || published.model().value().equals(model))
                    .sorted(Comparator.comparing(ModelPublished::at).reversed())
                    .toList();
            output.table(
                    models,
                    List.of("model", "version", "target", "format", "size", "of original", "recipe", "artifact"),
                    models.stream().map(ModelsCommand::row).toList(),
                    none());
        }
        return ExitCode.OK;
    }

    String none() {
        return "no published models " + (model == null ? "yet" : "of model " + model)
                + "; 'millrace runs' shows what is under way";
    }

    private static List<String> row(ModelPublished published) {
        return List.of(
                published.model().value(),
                published.version(),
                published.target(),
                published.format() + " " + published.type(),
                Text.bytes(published.sizeBytes()),
                Text.percent((double) published.sizeBytes() / published.originalBytes()),
                published.recipe(),
                published.artifact().manifest().abbreviated());
    }
}
