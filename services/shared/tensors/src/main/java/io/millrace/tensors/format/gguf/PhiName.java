package io.millrace.tensors.format.gguf;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * llama.cpp knows the tokenizer of Phi-3 by the model's name: one with {@code phi-3} or {@code phi3} in it must have that
 * tokenizer's special tokens, or the file does not load. Phi-4-mini has the architecture and another tokenizer.
 */
final class PhiName {
    private static final Pattern NAME = Pattern.compile("(?i)phi-?3");
    private static final Set<String> TOKENS = Set.of("</s>", "<unk>", "<s>", "<|endoftext|>");

    private PhiName() {}

    /** Puts a space into such a name where the vocabulary is another one. */
    static void mend(Map<String, GgufValue> metadata) {
        if (metadata.get(ModelKeys.NAME) instanceof GgufValue.Text(String name)
                && NAME.matcher(name).find()
                && metadata.get("tokenizer.ggml.tokens") instanceof GgufValue.Items(var _, List<GgufValue> tokens)
                && !hasAll(tokens)) {
            metadata.put(ModelKeys.NAME, GgufValue.text(NAME.matcher(name).replaceAll("Phi 3")));
        }
    }

    private static boolean hasAll(List<GgufValue> tokens) {
        Set<String> missing = new HashSet<>(TOKENS);
        tokens.forEach(token -> {
            if (token instanceof GgufValue.Text(String text)) {
                missing.remove(text);
            }
        });
        return missing.isEmpty();
    }
}
