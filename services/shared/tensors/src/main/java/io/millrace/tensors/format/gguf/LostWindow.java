package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Trait;
import java.util.Optional;

/** A sliding window that readers of a GGUF file do not keep: they let every layer see everything. */
final class LostWindow {
    private LostWindow() {}

    /**
     * What to say of such a model; empty of one that has no window, whose context fits it, or whose readers keep it. Phi-3's
     * has a key: llama.cpp b4916 goes by it, v0.5.0 passes over it with a warning.
     */
    static Optional<String> of(ModelConfig config) {
        if (config.architecture().pattern().mixesWindows()
                || config.slidingWindow().orElse(config.maxPositions()) >= config.maxPositions()) {
            return Optional.empty();
        }
        int window = config.slidingWindow().getAsInt();
        String reader = config.architecture().has(Trait.WINDOW_IN_GGUF)
                ? "newer llama.cpp passes over the sliding window of "
                : "llama.cpp knows no sliding window of ";
        return Optional.of(reader + config.architecture().className()
                + " and answers otherwise than the model beyond its " + window
                + " tokens; keep contexts at that, or choose compressed-tensors or onnx");
    }
}
