package io.millrace.tensors.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Mistral's own form of a tokenizer, which some of its models come with alone. Serving engines read it, llama.cpp and ONNX
 * Runtime do not.
 */
public final class Tekken {
    public static final String FILE = "tekken.json";

    /** How a tokenizer.json is made of it: transformers' AutoTokenizer would write a tekken.json again. */
    public static final String REMEDY = "make it with transformers and mistral-common:"
            + " PreTrainedTokenizerFast.from_pretrained(folder).save_pretrained(folder)";

    private Tekken() {}

    public static boolean in(Path folder) {
        return Files.exists(folder.resolve(FILE));
    }
}
