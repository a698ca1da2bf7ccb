package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/** Whether a tokenizer puts special tokens around a text by its flags or by its template, which may disagree. */
public final class TokenFlags {
    /**
     * transformers 4 makes the template of these anew from {@code add_bos_token} and {@code add_eos_token}; llama.cpp's
     * converter goes by them too. With any other class the template of tokenizer.json stands, whatever the flags say.
     */
    private static final Set<String> CLASSES =
            Set.of("LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer", "GPTNeoXTokenizer");

    private TokenFlags() {}

    /** Whether what tokenizer_config.json says of the flags counts. */
    public static boolean decide(Path folder) throws IOException {
        ObjectNode config = TokenizerFiles.json(folder, TokenizerFiles.CONFIG);
        return unnamedOrTheirs(config) || decide(TokenizerFiles.in(folder));
    }

    static boolean decide(TokenizerFiles files) {
        return unnamedOrTheirs(files.config()) || !PostProcessor.isStated(files.tokenizer());
    }

    /** Whether transformers makes the marks of word starts anew too, by {@code add_prefix_space}, whatever tokenizer.json says. */
    static boolean remake(TokenizerFiles files) {
        return unnamedOrTheirs(files.config());
    }

    private static boolean unnamedOrTheirs(ObjectNode config) {
        String name = config.path("tokenizer_class").asText("");
        return name.isEmpty() || CLASSES.contains(name.replaceFirst("Fast$", ""));
    }
}
