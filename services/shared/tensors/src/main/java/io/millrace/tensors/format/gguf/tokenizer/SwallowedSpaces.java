package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.GgufValue;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Which added tokens take the white space after them out of a text. No key of GGUF says it; llama.cpp knows the tokens of
 * Phi-3 by the model's name, and so do we: the line breaks of its chat template are no tokens.
 */
record SwallowedSpaces(boolean ofPhi3) {
    private static final Set<String> KEEP = Set.of("<unk>", "<s>", "<|endoftext|>");

    static SwallowedSpaces of(Map<String, GgufValue> keys) {
        String name = keys.get("general.name") instanceof GgufValue.Text(String text) ? text : "";
        String letters = name.toLowerCase(Locale.ROOT);
        return new SwallowedSpaces(letters.contains("phi-3") || letters.contains("phi3"));
    }

    boolean after(String added) {
        return ofPhi3 && !KEEP.contains(added);
    }
}
