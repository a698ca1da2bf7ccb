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
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A trained model in a Hugging Face folder, and windows of a text that it was not trained on.
 *
 * @param windows token ids, at least 512 together, so that shares mean something
 */
record JudgedModel(String name, Path folder, List<int[]> windows) {
    private static final long SEED = 1;
    private static final int TRAINING_CHARACTERS = 200_000;
    private static final int STEPS = 130;
    private static final int BATCH = 2;
    private static final int POSITIONS = 768;

    /** The demo's model, trained for less than a minute on contexts as long as it can hold. */
    static JudgedModel brieflyTrained(Path folder) throws IOException {
        System.out.println("seed " + SEED);
        int length = DemoModel.MAX_POSITIONS;
        TrainingSettings settings =
                new TrainingSettings(STEPS, BATCH, length, OptimizerSettings.of(3e-3, STEPS / 10), SEED);
        Path tokenizerFolder = Files.createDirectories(folder.resolve("tokenizer"));
        ByteTokenizer.write(tokenizerFolder);
        Path checkpoint = folder.resolve("trained");
        try (Tokenizer tokenizer = Tokenizer.open(tokenizerFolder);
                CausalLanguageModel model = CausalLanguageModel.random(DemoModel.config(), SEED);
                Trainer trainer = new Trainer(
                        model,
                        TokenStream.of(tokenizer, new StoryWriter(Split.TRAIN, SEED).write(TRAINING_CHARACTERS)),
                        settings)) {
            long t0 = System.nanoTime();
            StepReport last = trainer.next();
            while (trainer.done() < STEPS) {
                last = trainer.next();
            }
            System.out.printf(
                    Locale.ROOT,
                    "trained for %d steps in %d s; loss %.3f nat per byte%n",
                    trainer.done(),
                    (System.nanoTime() - t0) / 1000000000L,
                    last.loss());
            DemoModel.save(model.weights(), checkpoint);
        }
        return of("demo model", checkpoint, new StoryWriter(Split.EVALUATION, SEED).write(2 * POSITIONS), length);
    }

    /** A model of others that lies beside some checkouts: rows of 64 and 172, so every fall-back type is in use. */
    static Optional<JudgedModel> stories260K() throws IOException {
        for (Path above = Path.of("").toAbsolutePath(); above != null; above = above.getParent()) {
            Path folder = above.resolve("shared/models/stories260K");
            if (Files.isRegularFile(folder.resolve("model.safetensors"))) {
                return Optional.of(of("stories260K", folder, Files.readString(folder.resolve("eval.txt")), 512));
            }
        }
        System.out.println("skipped: no shared/models/stories260K beside the repository");
        return Optional.empty();
    }

    private static JudgedModel of(String name, Path folder, String text, int length) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            TokenStream stream = TokenStream.of(tokenizer, text);
            return new JudgedModel(
                    name,
                    folder,
                    IntStream.range(0, (POSITIONS + length - 1) / length)
                            .mapToObj(i -> stream.window(i, length))
                            .toList());
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
