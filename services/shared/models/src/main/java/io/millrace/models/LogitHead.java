package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.util.OptionalDouble;

/** From normed hidden states [.., hidden] to the logits of the next token [.., vocabulary]. */
public final class LogitHead {
    private final LinearMap matrix; // [vocabulary, hidden]; the embedding itself if tied
    private final OptionalDouble cap;

    private LogitHead(LinearMap matrix, OptionalDouble cap) {
        this.matrix = matrix;
        this.cap = cap;
    }

    /** Of weights that are loaded. */
    static LogitHead of(WeightTable weights, ModelConfig config) {
        return new LogitHead(LinearMap.of(weights, DecoderLayout.headMatrix(config)), config.logitCap());
    }

    /** Alone, without the rest of its model, in memory of {@code scope}. */
    public static LogitHead load(WeightSource source, NDManager scope) throws IOException {
        WeightLoader loader = new WeightLoader(source);
        return of(loader.load(scope, DecoderLayout.head(source.config())), source.config());
    }

    public NDArray apply(NDArray hidden) {
        NDArray logits = matrix.apply(hidden);
        return cap.isPresent() ? Attention.capped(logits, cap.getAsDouble()) : logits;
    }
}
