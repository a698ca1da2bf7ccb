package io.millrace.cli;

import io.millrace.events.Parameters;
import io.millrace.events.policy.PolicyDraft;
import io.millrace.events.policy.StepDraft;
import io.millrace.events.policy.TextDraft;
import io.millrace.models.Tokenizer;
import io.millrace.models.evaluation.Evaluation;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.ImportanceMatrix;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A file that a policy names. What every job would fail on is refused before the policy is in force. */
final class PolicyText {
    private static final int CHARACTERS_AT_A_TIME = 1 << 16;

    private PolicyText() {}

    /**
     * The files of a policy: texts readable, the one for evaluation long enough to measure anything on, the one for
     * calibration for one window of each step that takes it, importance matrices sound.
     *
     * @param file the policy's, for messages
     */
    static void require(Path file, PolicyDraft policy) throws IOException {
        try {
            require(policy);
        } catch (CommandFailure e) {
            throw new CommandFailure(e.exitCode(), file + ": " + e.getMessage(), e);
        }
    }

    private static void require(PolicyDraft policy) throws IOException {
        require(policy.evaluation().text());
        requireEnough(policy.evaluation());
        if (policy.calibration().isPresent()) {
            require(policy.calibration().get().text());
            requireWindow(policy, policy.calibration().get().text());
        }
        Set<Path> matrices = steps(policy)
                .flatMap(step -> step.importance().stream())
                .collect(Collectors.toCollection(LinkedHashSet::new));
        for (Path matrix : matrices) {
            requireImportance(matrix);
        }
    }

    private static Stream<StepDraft> steps(PolicyDraft policy) {
        return policy.targets().stream()
                .flatMap(target -> target.ladder().stream())
                .flatMap(recipe -> recipe.steps().stream());
    }

    /** As {@link #requireEnough}: with fewer bytes no tokenizer finds so many tokens. */
    private static void requireWindow(PolicyDraft policy, Path text) throws IOException {
        long bytes = Files.size(text);
        for (Parameters parameters : steps(policy).map(StepDraft::parameters).toList()) {
            int length = switch (parameters) {
                case Parameters.Distill distill -> distill.length();
                case Parameters.Neurons neurons ->
                    neurons.activations()
                            .map(Parameters.Neurons.Activations::length)
                            .orElse(0);
                case Parameters.Magnitude _, Parameters.Quantize _, Parameters.Benchmark _ -> 0;
            };
            if (bytes + 1 < length) {
                throw new CommandFailure(
                        ExitCode.REFUSED,
                        "the policy names the text " + text + ", which has " + bytes + " bytes, but a window of '"
                                + parameters.summary() + "' takes " + length
                                + " tokens, so as many bytes or more; give a longer text");
            }
        }
    }

    private static void requireImportance(Path matrix) throws IOException {
        if (!Files.isRegularFile(matrix)) {
            throw new CommandFailure(
                    ExitCode.NOT_FOUND, "the policy names the importance matrix " + matrix + ", which is no file");
        }
        try {
            var _ = ImportanceMatrix.read(matrix);
        } catch (MalformedFileException e) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the importance matrix " + matrix + ", which cannot be read: " + e.getMessage(),
                    e);
        }
    }

    /**
     * Each token stands for a byte or more, but for the one at the beginning. With fewer bytes no tokenizer cuts enough
     * windows; with more it may still be too short, which only a run with its model's tokenizer can see.
     */
    private static void requireEnough(TextDraft evaluation) throws IOException {
        int windows = Evaluation.leastWindows(evaluation.length());
        long tokens = (long) windows * evaluation.length();
        String wanted = windows + " windows of " + evaluation.length() + " tokens at least";
        if (evaluation.sequences() < windows) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy says 'sequences: " + evaluation.sequences()
                            + "' under 'evaluate', but a measurement takes " + wanted
                            + "; raise 'sequences' or 'length'");
        }
        long bytes = Files.size(evaluation.text());
        if (bytes + 1 < tokens) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the text " + evaluation.text() + ", which has " + bytes
                            + " bytes, but a measurement takes " + wanted + ", so " + tokens
                            + " bytes or more; give a longer text");
        }
    }

    static void require(Path text) throws IOException {
        if (!Files.isRegularFile(text)) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "the policy names the text " + text + ", which is no file");
        }
        if (Files.size(text) == 0) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the text " + text + ", which is empty; nothing could be measured on it");
        }
        if (Files.size(text) > Tokenizer.LONGEST_TEXT_BYTES) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the text " + text + ", which has " + Files.size(text)
                            + " bytes, but a text may have " + Tokenizer.LONGEST_TEXT_BYTES
                            + " at most; cut it, for example with 'head -n'");
        }
        try (Reader reader = Files.newBufferedReader(text)) {
            long read;
            do {
                read = reader.skip(CHARACTERS_AT_A_TIME);
            } while (read > 0);
        } catch (CharacterCodingException e) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the text " + text + ", which is not UTF-8; convert it, for example with iconv",
                    e);
        }
    }
}
