package io.millrace.cli.demo;

import io.millrace.client.Publisher;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.nio.file.Path;
import java.util.Map;

/**
 * The demo's training job, a process of its own: trains, and publishes each checkpoint as any training code would. Its
 * arguments are Kafka's address, the store, the topics' prefix, a folder for the checkpoints and the seed.
 */
public final class TrainerMain {
    static final String PUBLISHED = "published ";

    private TrainerMain() {}

    public static void main(String[] arguments) throws Exception {
        String kafka = arguments[0];
        String store = arguments[1];
        String prefix = arguments[2];
        Path folder = Path.of(arguments[3]);
        long seed = Long.parseLong(arguments[4]);
        ProcessHandle.current().parent().ifPresent(parent -> {
            var _ = parent.onExit().thenRun(() -> Runtime.getRuntime().halt(1));
        });
        try (ArtifactStore artifacts = Stores.open(store);
                Publisher publisher = new Publisher(Map.of("bootstrap.servers", kafka), artifacts, prefix)) {
            new StoryTraining(folder, seed).run(DemoTexts.training(seed), (checkpoint, step) -> {
                publisher.publish(checkpoint, DemoPolicy.MODEL, "step-" + step, step, Map.of("trained-by", "demo"));
                System.out.println(PUBLISHED + "step-" + step);
            });
        }
        System.exit(0);
    }
}
