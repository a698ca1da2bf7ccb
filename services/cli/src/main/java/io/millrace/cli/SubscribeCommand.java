package io.millrace.cli;

import io.millrace.client.ModelSubscriber;
import io.millrace.events.ModelPublished;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints each model that passes its gate. */
@Command(
        name = "subscribe",
        description = "Prints each new model as it is published, until Ctrl-C.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Example:",
            "  millrace subscribe --output json | while read -r model; do ./deploy \"$model\"; done"
        })
final class SubscribeCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(
            names = "--group",
            paramLabel = "NAME",
            description = "Subscribers of one group share the models, and go on where the group was.")
    private @Nullable String group;

    @Option(names = "--from-beginning", description = "A new group starts with the oldest model that is kept.")
    private boolean fromBeginning;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Connection connection = cluster.connect();
        Map<String, Object> settings = new HashMap<>(connection.kafka());
        settings.put("auto.offset.reset", fromBeginning ? "earliest" : "latest");
        String member = group == null ? connection.topics().prefix() + "subscribe-" + UUID.randomUUID() : group;
        try (StopSignal stop = StopSignal.installForService();
                ModelSubscriber subscriber =
                        new ModelSubscriber(settings, connection.topics().prefix(), member)) {
            stop.onRaise(subscriber::stop);
            subscriber.forEach(model -> output.line(model, () -> line(model)));
        }
        return ExitCode.OK;
    }

    static String line(ModelPublished model) {
        return String.join(
                "  ",
                model.at().toString(),
                model.model().value(),
                model.version(),
                model.target(),
                model.format() + " " + model.type(),
                Text.bytes(model.sizeBytes()),
                model.artifact().manifest().hex());
    }
}
