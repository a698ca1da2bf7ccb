package io.millrace.events.policy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.TextUse;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * A text that is still a file, and how it is cut.
 *
 * @param sequences windows at most
 * @param length tokens per window
 */
public record TextDraft(Path text, int sequences, int length, long seed) {
    TextUse resolve(Function<Path, ArtifactRef> texts) {
        return new TextUse(texts.apply(text), sequences, length, seed);
    }
}
