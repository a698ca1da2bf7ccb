package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The ids at which a checkpoint's text ends. */
public final class EndTokens {
    private EndTokens() {}

    /**
     * Those that the generation settings or the configuration state, then the tokenizer's own: a chat model's configuration may
     * still name the end of its base model. An id that the vocabulary does not have is left out.
     */
    public static List<Integer> of(Path folder, ModelConfig config) throws IOException {
        TokenizerFiles files = TokenizerFiles.in(folder);
        Set<Integer> ids = new LinkedHashSet<>(stated(files, config));
        String text = files.special("eos_token").orElse(null);
        files.added().stream()
                .filter(added -> added.text().equals(text))
                .findFirst()
                .ifPresent(added -> ids.add(added.id()));
        ids.removeIf(id -> id < 0 || id >= config.vocabularySize());
        return List.copyOf(ids);
    }

    /** One or several, from the generation settings or the configuration. */
    static List<Integer> stated(TokenizerFiles files, ModelConfig config) {
        JsonNode end = files.generation().hasNonNull("eos_token_id")
                ? files.generation().get("eos_token_id")
                : config.json().path("eos_token_id");
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : end.isArray() ? end : List.of(end)) {
            if (id.isIntegralNumber()) {
                ids.add(id.asInt());
            }
        }
        return ids;
    }
}
