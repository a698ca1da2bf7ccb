package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What whoever generates text must know of a checkpoint's tokens and the configuration may not say.
 *
 * @param ends the ids at which the text ends, as {@link EndTokens} finds them
 * @param padding the tokenizer's own
 */
public record GenerationTokens(List<Integer> ends, Optional<Integer> padding) {
    public GenerationTokens {
        ends = List.copyOf(ends);
    }

    /** An id that the vocabulary does not have is left out. */
    public static GenerationTokens of(Path folder, ModelConfig config) throws IOException {
        TokenizerFiles files = TokenizerFiles.in(folder);
        String padding = files.special("pad_token").orElse(null);
        return new GenerationTokens(
                EndTokens.of(files, config),
                files.added().stream()
                        .filter(added -> added.text().equals(padding))
                        .map(TokenizerFiles.Added::id)
                        .filter(id -> id < config.vocabularySize())
                        .findFirst());
    }
}
