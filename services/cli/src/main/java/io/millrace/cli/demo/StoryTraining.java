package io.millrace.cli.demo;

import io.millrace.models.CausalLanguageModel;
import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.models.training.OptimizerSettings;
import io.millrace.models.training.StepReport;
import io.millrace.models.training.Trainer;
import io.millrace.models.training.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Trains the demo's model on stories and hands out a checkpoint now and then, as a training job does. */
final class StoryTraining {
    /** Some 75 s on one thread of the machine that the sizes were chosen on. */
    static final int STEPS = 240;

    /** After these steps a checkpoint is published; the last one is the finished model. */
    static final List<Integer> CHECKPOINT_STEPS = List.of(120, 180, STEPS);

    private static final int BATCH = 8;
    private static final int LENGTH = 128;
    private static final double LEARNING_RATE = 3e-3;
    private static final int WARM_UP_STEPS = 20;

    private final Path folder;
    private final long seed;

    /** Takes a finished checkpoint. */
    @FunctionalInterface
    interface CheckpointListener {
        void saved(Path checkpoint, long step) throws IOException, InterruptedException;
    }

    StoryTraining(Path folder, long seed) {
        this.folder = folder;
        this.seed = seed;
    }

    void run(String text, CheckpointListener listener) throws IOException, InterruptedException {
        Path tokenizerFolder = Files.createDirectories(folder.resolve("tokenizer"));
        ByteTokenizer.write(tokenizerFolder);
        TrainingSettings settings =
                new TrainingSettings(STEPS, BATCH, LENGTH, OptimizerSettings.of(LEARNING_RATE, WARM_UP_STEPS), seed);
        try (Tokenizer tokenizer = Tokenizer.open(tokenizerFolder);
                CausalLanguageModel model = CausalLanguageModel.random(DemoModel.config(), seed);
                Trainer trainer = new Trainer(model, TokenStream.of(tokenizer, text), settings)) {
            while (trainer.done() < STEPS) {
                StepReport report = trainer.next();
                if (report.step() % 20 == 0) {
                    System.out.printf(
                            Locale.ROOT,
                            "step %d of %d, loss %.3f nats per byte%n",
                            report.step(),
                            STEPS,
                            report.loss());
                }
                if (CHECKPOINT_STEPS.contains(Math.toIntExact(report.step()))) {
                    Path checkpoint = folder.resolve("step-" + report.step());
                    DemoModel.save(model.weights(), checkpoint);
                    listener.saved(checkpoint, report.step());
                }
            }
        }
    }
}
