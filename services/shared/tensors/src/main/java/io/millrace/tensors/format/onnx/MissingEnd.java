package io.millrace.tensors.format.onnx;

import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.gguf.tokenizer.GenerationTokens;
import java.io.IOException;
import java.util.Optional;

/** A checkpoint that names no token at which a text ends: ONNX Runtime's generation library then never stops by itself. */
public final class MissingEnd {
    private MissingEnd() {}

    /** What to say of such a model; empty of one that names an end. */
    public static Optional<String> of(Checkpoint checkpoint) throws IOException {
        if (!GenerationTokens.of(checkpoint.folder(), checkpoint.config())
                .ends()
                .isEmpty()) {
            return Optional.empty();
        }
        return Optional.of("neither generation_config.json nor config.json nor the tokenizer names a token of the"
                + " vocabulary that ends a text, so that " + GenaiConfig.FILE + " has no 'eos_token_id' and generation"
                + " runs to its max_length; add 'eos_token_id' to " + GenaiConfig.FILE + ", or to the checkpoint's"
                + " generation_config.json first");
    }
}
