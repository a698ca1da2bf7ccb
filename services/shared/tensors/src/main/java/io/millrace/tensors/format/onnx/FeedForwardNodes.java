package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.Trait;
import java.util.List;

/** The feed-forward network of a layer. */
final class FeedForwardNodes {
    private final GraphWriter graph;
    private final Architecture architecture;
    private final MatrixNodes matrices;

    FeedForwardNodes(GraphWriter graph, Architecture architecture, MatrixNodes matrices) {
        this.graph = graph;
        this.architecture = architecture;
        this.matrices = matrices;
    }

    /** down(activation(gate(x)) · up(x)). */
    String fed(int layer, String path, String normed) {
        String gate;
        String up;
        if (matrices.has(layer, Projection.GATE_UP)) {
            String both = matrices.linear(layer, Projection.GATE_UP, path + "/gate_up", normed);
            gate = path + "/gate";
            up = path + "/up";
            graph.node(
                    "",
                    "Split",
                    gate,
                    List.of(both),
                    List.of(gate, up),
                    new Attribute.Whole("axis", -1),
                    new Attribute.Whole("num_outputs", 2));
        } else {
            gate = matrices.linear(layer, Projection.GATE, path + "/gate", normed);
            up = matrices.linear(layer, Projection.UP, path + "/up", normed);
        }
        String open;
        if (architecture.has(Trait.GELU)) {
            open = graph.standard("Gelu", path + "/gelu", List.of(gate), new Attribute.Text("approximate", "tanh"));
        } else {
            String sigmoid = graph.standard("Sigmoid", path + "/sigmoid", List.of(gate));
            open = graph.standard("Mul", path + "/silu", List.of(gate, sigmoid));
        }
        String gated = graph.standard("Mul", path + "/gated", List.of(open, up));
        return matrices.linear(layer, Projection.DOWN, path + "/down", gated);
    }
}
