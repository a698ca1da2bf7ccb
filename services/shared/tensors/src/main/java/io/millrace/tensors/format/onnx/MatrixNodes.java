package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;
import java.util.List;
import java.util.Optional;

/** The products by matrices in blocks, and the look-up of rows of one. */
final class MatrixNodes {
    private static final String MULTIPLY_BLOCKS = "MatMulNBits";
    private static final String LOOK_UP_BLOCKS = "GatherBlockQuantized";

    private final GraphWriter graph;
    private final Architecture architecture;
    private final List<TensorRule> rules;
    private final int bits;
    private final int accuracyLevel;

    /** The accuracy level is that of every {@code MatMulNBits}. */
    MatrixNodes(GraphWriter graph, ModelConfig config, int bits, int accuracyLevel) {
        this.graph = graph;
        this.architecture = config.architecture();
        this.rules = architecture.tensors(config);
        this.bits = bits;
        this.accuracyLevel = accuracyLevel;
    }

    boolean has(int layer, Projection projection) {
        return architecture.find(layer, new TensorRole.Linear(projection)).isPresent();
    }

    /** x · matrixᵀ, and the bias if there is one. */
    String linear(int layer, Projection projection, String path, String x) {
        TensorRule matrix = rule(layer, new TensorRole.Linear(projection)).orElseThrow();
        Optional<String> bias = architecture.find(layer, new TensorRole.Bias(projection));
        String product = bias.isPresent() ? path + "/product" : path;
        multiply(matrix.name(), matrix.name(), matrix, product, x);
        return bias.map(name -> graph.standard("Add", path, List.of(product, name)))
                .orElse(product);
    }

    /** The logits, by the matrix of the head or that of the embedding. */
    void head(TensorRole role, String name, String x) {
        TensorRule matrix = rule(role);
        multiply(WeightNames.HEAD, matrix.name(), matrix, name, x);
    }

    private void multiply(String codes, String scales, TensorRule matrix, String name, String x) {
        graph.contributed(
                MULTIPLY_BLOCKS,
                name,
                List.of(x, WeightNames.codes(codes, bits), WeightNames.scales(scales)),
                new Attribute.Whole("K", matrix.shape().extent(1)),
                new Attribute.Whole("N", matrix.shape().extent(0)),
                new Attribute.Whole("bits", bits),
                new Attribute.Whole("block_size", NBitsBlocks.ELEMENTS),
                new Attribute.Whole("accuracy_level", accuracyLevel));
    }

    /** Rows of the embedding in blocks. */
    void lookUp(String embedding, String name, String indices) {
        graph.contributed(
                LOOK_UP_BLOCKS,
                name,
                List.of(WeightNames.codes(embedding, bits), indices, WeightNames.scales(embedding)),
                new Attribute.Whole("bits", bits),
                new Attribute.Whole("block_size", NBitsBlocks.ELEMENTS),
                new Attribute.Whole("gather_axis", 0),
                new Attribute.Whole("quantize_axis", 1));
    }

    TensorRule rule(TensorRole role) {
        return rules.stream()
                .filter(rule -> rule.role().equals(role))
                .findFirst()
                .orElseThrow();
    }

    private Optional<TensorRule> rule(int layer, TensorRole role) {
        return architecture
                .find(layer, role)
                .flatMap(name ->
                        rules.stream().filter(rule -> rule.name().equals(name)).findFirst());
    }
}
