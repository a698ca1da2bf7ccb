package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.LayerAttention;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The attention of a layer: what its queries find among the keys of all tokens so far. */
final class AttentionNodes {
    private final GraphWriter graph;
    private final ModelConfig config;
    private final List<RotaryTable> tables;
    private final MatrixNodes matrices;
    private final NormNodes norms;

    AttentionNodes(GraphWriter graph, ModelConfig config, MatrixNodes matrices, NormNodes norms) {
        this.graph = graph;
        this.config = config;
        this.tables = RotaryTable.of(config);
        this.matrices = matrices;
        this.norms = norms;
    }

    /**
     * What the attention operator is told of lengths.
     *
     * @param last INT32 [batch_size], the position of the last token of each sequence
     * @param total INT32 scalar, past and new tokens
     */
    record Lengths(String last, String total) {}

    Lengths lengths() {
        String one = graph.wholes("/model/lengths/one", 1);
        String first = graph.wholes("/model/lengths/axis", 1);
        String seen = graph.standard(
                "ReduceSum",
                "/model/lengths/seen",
                List.of(DecoderPorts.ATTENTION_MASK, first),
                new Attribute.Whole("keepdims", 0));
        String last = graph.standard("Sub", "/model/lengths/last_wide", List.of(seen, one));
        String shape = graph.standard("Shape", "/model/lengths/shape", List.of(DecoderPorts.ATTENTION_MASK));
        String axis = graph.wholeScalar("/model/lengths/total_axis", 1);
        String total = graph.standard("Gather", "/model/lengths/total_wide", List.of(shape, axis));
        return new Lengths(cast(last, "/model/lengths/last"), cast(total, "/model/lengths/total"));
    }

    private String cast(String value, String name) {
        return graph.standard("Cast", name, List.of(value), new Attribute.Whole("to", ElementType.INT32.id()));
    }

    /** Queries, keys and values of the normed stream, and what the queries find. */
    String found(int layer, String path, String normed, Lengths lengths) {
        LayerAttention attention = config.attention().get(layer);
        List<String> inputs = new ArrayList<>();
        if (matrices.has(layer, Projection.QUERY_KEY_VALUE)) {
            // The operator takes the rows of all three in one.
            inputs.addAll(List.of(matrices.linear(layer, Projection.QUERY_KEY_VALUE, path + "/qkv", normed), "", ""));
        } else {
            String query = matrices.linear(layer, Projection.QUERY, path + "/q", normed);
            String key = matrices.linear(layer, Projection.KEY, path + "/k", normed);
            String value = matrices.linear(layer, Projection.VALUE, path + "/v", normed);
            inputs.add(normedHeads(layer, Place.QUERY, path + "/q_norm", query, config.headCount()));
            inputs.add(normedHeads(layer, Place.KEY, path + "/k_norm", key, config.keyValueHeadCount()));
            inputs.add(value);
        }
        inputs.addAll(List.of(
                DecoderPorts.past(layer, DecoderPorts.KEY),
                DecoderPorts.past(layer, DecoderPorts.VALUE),
                lengths.last(),
                lengths.total()));
        attention.rotary().ifPresent(rotary -> {
            RotaryTable table = tables.stream()
                    .filter(one -> one.rotary().equals(rotary))
                    .findFirst()
                    .orElseThrow();
            inputs.addAll(List.of(table.cosines(), table.sines()));
        });

        List<Attribute> attributes = new ArrayList<>(List.of(
                new Attribute.Whole("num_heads", config.headCount()),
                new Attribute.Whole("kv_num_heads", config.keyValueHeadCount()),
                new Attribute.Real("scale", (float) config.attentionScale()),
                new Attribute.Whole("do_rotary", attention.rotary().isPresent() ? 1 : 0),
                // Element i of a head turns with element i + size/2, not with its neighbour.
                new Attribute.Whole("rotary_interleaved", 0)));
        attention.window().ifPresent(tokens -> attributes.add(new Attribute.Whole("local_window_size", tokens)));
        config.scoreCap().ifPresent(cap -> attributes.add(new Attribute.Real("softcap", (float) cap)));
        graph.node(
                OnnxFields.CONTRIBUTED,
                "GroupQueryAttention",
                path + "/found",
                inputs,
                List.of(
                        path + "/found",
                        DecoderPorts.present(layer, DecoderPorts.KEY),
                        DecoderPorts.present(layer, DecoderPorts.VALUE)),
                attributes.toArray(Attribute[]::new));
        return matrices.linear(layer, Projection.ATTENTION_OUTPUT, path + "/o", path + "/found");
    }

    /** Norms each head of [batch, length, heads · size], if the model does. */
    private String normedHeads(int layer, Place place, String path, String x, int heads) {
        Optional<String> gain = norms.find(layer, place);
        if (gain.isEmpty()) {
            return x;
        }
        String split = graph.wholes(path + "/split", 0, 0, heads, config.headSize());
        String joined = graph.wholes(path + "/joined", 0, 0, (long) heads * config.headSize());
        String apart = graph.standard("Reshape", path + "/heads", List.of(x, split));
        String normed = norms.normed(path + "/normed", apart, gain.get());
        return graph.standard("Reshape", path, List.of(normed, joined));
    }
}
