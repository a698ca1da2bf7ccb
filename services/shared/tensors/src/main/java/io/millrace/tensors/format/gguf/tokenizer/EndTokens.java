package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The ids at which a checkpoint's text ends. */
final class EndTokens {
    /** What llama.cpp takes for the end of a turn where no key names it. */
    static final List<String> ENDS_OF_TURN = List.of("<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>");

    private EndTokens() {}

    /**
     * Those that the generation settings or the configuration state, then the tokenizer's own: a chat model's configuration may
     * still name the end of its base model. Whoever has a chat template ends its turns, too. An id that the vocabulary does
     * not have is left out.
     */
    static List<Integer> of(TokenizerFiles files, ModelConfig config) throws IOException {
        Set<Integer> ids = new LinkedHashSet<>(stated(files, config));
        add(files.special("eos_token").stream().toList(), files, ids);
        if (!ChatTemplates.of(files).byName().isEmpty()) {
            add(ENDS_OF_TURN, files, ids);
        }
        ids.removeIf(id -> id < 0 || id >= config.vocabularySize());
        return List.copyOf(ids);
    }

    private static void add(List<String> texts, TokenizerFiles files, Set<Integer> ids) throws IOException {
        for (TokenizerFiles.Added added : files.added()) {
            if (texts.contains(added.text())) {
                ids.add(added.id());
            }
        }
    }

    /** One or several, from the generation settings or the configuration. */
    static List<Integer> stated(TokenizerFiles files, ModelConfig config) {
        JsonNode end = files.generation().hasNonNull("eos_token_id")
                ? files.generation().get("eos_token_id")
                : config.json().path("eos_token_id");
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : end.isArray() ? end : List.of(end)) {
            WholeIds.of(id).ifPresent(ids::add);
        }
        return ids;
    }
}
