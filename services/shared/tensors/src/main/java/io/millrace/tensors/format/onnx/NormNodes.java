package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import java.util.List;
import java.util.Optional;

/** The norms of the residual stream and of what the blocks put out. */
final class NormNodes {
    private static final String NORM = "SimplifiedLayerNormalization";

    private final GraphWriter graph;
    private final ModelConfig config;

    NormNodes(GraphWriter graph, ModelConfig config) {
        this.graph = graph;
        this.config = config;
    }

    /** Norms x by a gain that the file of weights holds. */
    String normed(String path, String x, String gain) {
        return graph.standard(NORM, path, List.of(x, gain), epsilon());
    }

    /** A norm of what a block puts out, if the model has one. */
    String normedOutput(String x, String path, int layer, Place place) {
        return find(layer, place).map(gain -> normed(path, x, gain)).orElse(x);
    }

    /** Adds to the residual stream and norms the sum. */
    String added(String path, String residual, String branch, String gain) {
        graph.node(
                OnnxFields.CONTRIBUTED,
                "SkipSimplifiedLayerNormalization",
                path,
                List.of(residual, branch, gain),
                List.of(path, "", "", sum(path)),
                epsilon());
        return path;
    }

    /** The residual stream behind {@link #added}. */
    static String sum(String path) {
        return path + "/sum";
    }

    private Attribute epsilon() {
        return new Attribute.Real("epsilon", (float) config.normEpsilon());
    }

    String gain(int layer, Place place) {
        return find(layer, place).orElseThrow();
    }

    Optional<String> find(int layer, Place place) {
        return config.architecture().find(layer, new TensorRole.Norm(place));
    }
}
