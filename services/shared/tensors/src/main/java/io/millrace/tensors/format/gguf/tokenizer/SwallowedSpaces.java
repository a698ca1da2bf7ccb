package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.GgufValue;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Which added tokens take the white space beside them out of a text. No key of GGUF says it; llama.cpp knows the tokens of
 * Phi-3 by the model's name, and so do we: the line breaks of its chat template are no tokens. By its name it knows the
 * mask of ModernBERT too.
 */
record SwallowedSpaces(boolean ofPhi3, boolean ofModernBert) {
    private static final Set<String> KEEP = Set.of("<unk>", "<s>", "<|endoftext|>");

    static SwallowedSpaces of(Map<String, GgufValue> keys) {
        String name = keys.get("general.name") instanceof GgufValue.Text(String text) ? text : "";
        String letters = name.toLowerCase(Locale.ROOT);
        boolean phi3 = letters.contains("phi-3") || letters.contains("phi3");
        return new SwallowedSpaces(phi3, !phi3 && letters.contains("modern-bert"));
    }

    boolean before(String added) {
        return ofModernBert && added.equals("[MASK]");
    }

    boolean after(String added) {
        return ofPhi3 && !KEEP.contains(added);
    }
}
