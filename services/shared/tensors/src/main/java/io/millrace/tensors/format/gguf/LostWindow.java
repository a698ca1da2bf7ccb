package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Trait;
import java.util.Optional;

/** A sliding window that a GGUF file has no key for: its readers let every layer see everything. */
final class LostWindow {
    private LostWindow() {}

    /** What to say of such a model; empty of one that has no window, whose context fits it, or whose window GGUF states. */
    static Optional<String> of(ModelConfig config) {
        if (config.architecture().has(Trait.WINDOW_IN_GGUF)
                || config.slidingWindow().orElse(config.maxPositions()) >= config.maxPositions()) {
            return Optional.empty();
        }
        int window = config.slidingWindow().getAsInt();
        return Optional.of(
                "llama.cpp knows no sliding window of " + config.architecture().className()
                        + " and answers otherwise than the model beyond its " + window
                        + " tokens; keep contexts at that, or choose compressed-tensors or onnx");
    }
}
