package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import io.millrace.tensors.architecture.Trait;
import java.util.List;

/**
 * The computation of a decoder, from token ids to logits, with a key-value cache: read {@link #build} from top to bottom.
 * {@link DecoderPorts} says what goes in and comes out.
 */
final class DecoderGraph {
    private final ModelConfig config;
    private final GraphWriter graph;
    private final MatrixNodes matrices;
    private final NormNodes norms;
    private final AttentionNodes attention;
    private final FeedForwardNodes feedForward;

    /** The accuracy level is that of every product. */
    DecoderGraph(ModelConfig config, int bits, int accuracyLevel) {
        Architecture architecture = config.architecture();
        this.config = config;
        this.graph = new GraphWriter(config.name().orElse(architecture.modelType()));
        this.matrices = new MatrixNodes(graph, config, bits, accuracyLevel);
        this.norms = new NormNodes(graph, config);
        this.attention = new AttentionNodes(graph, config, matrices, norms);
        this.feedForward = new FeedForwardNodes(graph, architecture, matrices);
    }

    /** The graph, without the constants that lie in the file of weights. */
    GraphWriter build() {
        DecoderPorts.declare(graph, config);
        AttentionNodes.Lengths lengths = attention.lengths();
        String residual = embedding();
        String normed = norms.normed("/model/layers.0/input_norm", residual, norms.gain(0, Place.ATTENTION_INPUT));
        for (int layer = 0; layer < config.layerCount(); layer++) {
            String path = "/model/layers." + layer;
            String attended = attention.found(layer, path + "/attention", normed, lengths);
            attended = norms.normedOutput(attended, path + "/attention/output_norm", layer, Place.ATTENTION_OUTPUT);
            normed = norms.added(
                    path + "/feed_forward_norm", residual, attended, norms.gain(layer, Place.FEED_FORWARD_INPUT));
            residual = NormNodes.sum(path + "/feed_forward_norm");

            String fed = feedForward.fed(layer, path + "/feed_forward", normed);
            fed = norms.normedOutput(fed, path + "/feed_forward/output_norm", layer, Place.FEED_FORWARD_OUTPUT);
            boolean last = layer + 1 == config.layerCount();
            String next = last ? "/model/norm" : "/model/layers." + (layer + 1) + "/input_norm";
            String gain = last
                    ? matrices.rule(new TensorRole.Norm(Place.HEAD_INPUT)).name()
                    : norms.gain(layer + 1, Place.ATTENTION_INPUT);
            normed = norms.added(next, residual, fed, gain);
            residual = NormNodes.sum(next);
        }
        head(normed);
        return graph;
    }

    private String embedding() {
        String name = matrices.rule(new TensorRole.Embedding()).name();
        String x = "/model/embedding";
        if (config.tiedHead()) {
            matrices.lookUp(name, x, DecoderPorts.INPUT_IDS);
        } else {
            graph.standard("Gather", "/model/embedding/stored", List.of(name, DecoderPorts.INPUT_IDS));
            graph.standard(
                    "Cast", x, List.of("/model/embedding/stored"), new Attribute.Whole("to", ElementType.FLOAT.id()));
        }
        if (!config.architecture().has(Trait.SCALED_EMBEDDING)) {
            return x;
        }
        String factor = graph.scalar("/model/embedding/factor", (float) Math.sqrt(config.hiddenSize()));
        return graph.standard("Mul", "/model/embedding/scaled", List.of(x, factor));
    }

    private void head(String normed) {
        TensorRole role = config.tiedHead() ? new TensorRole.Embedding() : new TensorRole.OutputHead();
        if (config.logitCap().isEmpty()) {
            matrices.head(role, DecoderPorts.LOGITS, normed);
            return;
        }
        matrices.head(role, "/model/head", normed);
        String cap = graph.scalar("/model/head/cap", (float) config.logitCap().getAsDouble());
        String units = graph.standard("Div", "/model/head/units", List.of("/model/head", cap));
        String bounded = graph.standard("Tanh", "/model/head/bounded", List.of(units));
        graph.standard("Mul", DecoderPorts.LOGITS, List.of(bounded, cap));
    }
}
