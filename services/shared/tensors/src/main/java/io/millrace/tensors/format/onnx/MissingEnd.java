package io.millrace.tensors.format.onnx;

import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A checkpoint that names no token at which a text ends: ONNX Runtime's generation library then never stops by itself. */
public final class MissingEnd {
    private static final long LIMIT_BYTES = 1L << 20;

    private MissingEnd() {}

    /**
     * What to say of a folder that was written; empty of one that names an end, or that is no ONNX model. The file that
     * the library reads says it: to read a tokenizer once more takes a tenfold of its size in memory.
     */
    public static Optional<String> of(Path written) throws IOException {
        Path file = written.resolve(GenaiConfig.FILE);
        if (!Files.exists(file)
                || StrictJson.readFile(file, LIMIT_BYTES).path("model").has("eos_token_id")) {
            return Optional.empty();
        }
        return Optional.of("neither generation_config.json nor config.json nor the tokenizer names a token of the"
                + " vocabulary that ends a text, so that " + GenaiConfig.FILE + " has no 'eos_token_id' and generation"
                + " runs to its max_length; add 'eos_token_id' to " + GenaiConfig.FILE + ", or to the checkpoint's"
                + " generation_config.json first");
    }
}
