package io.millrace.cli.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The texts of the demo, each from its own split. */
final class DemoTexts {
    private static final int TRAINING_CHARACTERS = 600_000;
    private static final int DISTILL_CHARACTERS = 60_000;
    /** 80 windows of 128 bytes. */
    private static final int EVALUATION_CHARACTERS = 80 * 128;

    private DemoTexts() {}

    static String training(long seed) {
        return new StoryWriter(Split.TRAIN, seed).write(TRAINING_CHARACTERS);
    }

    static String evaluation(long seed) {
        return new StoryWriter(Split.EVALUATION, seed).write(EVALUATION_CHARACTERS);
    }

    static String distill(long seed) {
        return new StoryWriter(Split.DISTILL, seed).write(DISTILL_CHARACTERS);
    }

    /** Writes what the policy names beside it. */
    static Path write(Path folder, long seed) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(DemoPolicy.EVALUATION_FILE), evaluation(seed));
        Files.writeString(folder.resolve(DemoPolicy.DISTILL_FILE), distill(seed));
        return Files.writeString(folder.resolve("policy.yaml"), DemoPolicy.yaml());
    }
}
