package io.millrace.tensors.format.gguf;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A file's {@code general.name}, which readers take for more than a name. llama.cpp knows the tokenizer of Phi-3 by it:
 * with {@code phi-3} or {@code phi3} in it the special tokens must be those of that tokenizer, and swallow the spaces
 * after them. transformers takes {@code mistral} for an architecture, and then has no names for its tensors. A model that
 * does not say its name has none.
 */
final class GeneralName {
    private static final Pattern PHI_3 = Pattern.compile("(?i)phi-?3");
    private static final Set<String> PHI_3_TOKENS = Set.of("</s>", "<unk>", "<s>", "<|endoftext|>");

    private GeneralName() {}

    /** Changes as little of the model's own name as makes readers see what the vocabulary is. */
    static void settle(Map<String, GgufValue> metadata) {
        String given = metadata.get(ModelKeys.NAME) instanceof GgufValue.Text(String name) ? name : "";
        boolean called = PHI_3.matcher(given).find();
        String settled = given;
        if (called && !hasTokensOfPhi3(metadata)) {
            // Phi-4-mini has the architecture and another tokenizer.
            settled = PHI_3.matcher(given).replaceAll("Phi 3");
        } else if (!called && isPhi3(metadata)) {
            settled = given.isEmpty() ? "phi3" : given + " (phi3)";
        } else if (given.equals("mistral")) {
            settled = "Mistral";
        }
        if (!settled.equals(given)) {
            metadata.put(ModelKeys.NAME, GgufValue.text(settled));
        }
    }

    private static boolean isPhi3(Map<String, GgufValue> metadata) {
        return GgufValue.text("phi3").equals(metadata.get(ModelKeys.ARCHITECTURE))
                && GgufValue.text("llama").equals(metadata.get("tokenizer.ggml.model"))
                && hasTokensOfPhi3(metadata);
    }

    private static boolean hasTokensOfPhi3(Map<String, GgufValue> metadata) {
        if (!(metadata.get("tokenizer.ggml.tokens") instanceof GgufValue.Items(var _, List<GgufValue> tokens))) {
            return false;
        }
        Set<String> missing = new HashSet<>(PHI_3_TOKENS);
        tokens.forEach(token -> {
            if (token instanceof GgufValue.Text(String text)) {
                missing.remove(text);
            }
        });
        return missing.isEmpty();
    }
}
