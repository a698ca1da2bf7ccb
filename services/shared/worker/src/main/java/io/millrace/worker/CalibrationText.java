package io.millrace.worker;

import io.millrace.events.Digest;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.stream.Stream;

/** The text that the policy names under {@code calibrate}, as a job finds it among its inputs. */
public record CalibrationText(String text, Digest digest) {
    private static final String NAMED = "the text under 'calibrate' in the policy ";

    /**
     * Reads it.
     *
     * @param need what the message says of a job without one, such as {@code a distill step needs a text to learn on}
     * @param refusal why a text of so many bytes cannot be taken, if it cannot
     */
    public static CalibrationText of(StageInput<?> input, String need, LongFunction<Optional<String>> refusal)
            throws StageException, IOException {
        if (!input.inputs().containsKey(Role.CALIBRATION_TEXT)) {
            throw new StageException(Reason.TEXT_MISSING, need + "; name one under 'calibrate' in the policy");
        }
        Path file;
        try (Stream<Path> files = Files.list(input.require(Role.CALIBRATION_TEXT))) {
            file = files.findFirst().orElseThrow(() -> new StageException(Reason.TEXT_MISSING, NAMED + "has no file"));
        }
        Optional<String> refused = refusal.apply(Files.size(file));
        if (refused.isPresent()) {
            throw new StageException(Reason.TEXT_TOO_LONG, NAMED + refused.get() + "; then apply the policy again");
        }
        try {
            String text = Files.readString(file);
            return new CalibrationText(text, Digest.of(text));
        } catch (CharacterCodingException e) {
            throw new StageException(
                    Reason.TEXT_MALFORMED, NAMED + "is not UTF-8; convert it and apply the policy again", e);
        }
    }

    /** Refuses a text of fewer tokens than one sequence takes. */
    public static void requireTokens(int found, int length) throws StageException {
        if (found < length) {
            throw new StageException(
                    Reason.TEXT_TOO_SHORT,
                    NAMED + "has " + found + " tokens, but one sequence takes " + length
                            + "; give a longer text and apply the policy again");
        }
    }
}
