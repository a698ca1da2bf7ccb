package io.millrace.events.policy;

import io.millrace.events.TextUse;
import java.nio.file.Path;

/**
 * A text that is still a file, and how it is cut.
 *
 * @param sequences windows at most
 * @param length tokens per window
 */
public record TextDraft(Path text, int sequences, int length, long seed) {
    TextUse resolve(PolicyInputs inputs) {
        return new TextUse(inputs.text(text), sequences, length, seed);
    }
}
