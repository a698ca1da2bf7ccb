package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.LayerAttention;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The computation of a decoder, from token ids to logits, with a key-value cache: read {@link #build} from top to bottom.
 *
 * <pre>
 * input_ids, attention_mask             INT64 [batch_size, sequence_length], [batch_size, total_sequence_length]
 * past_key_values.L.key, .value         FLOAT [batch_size, key-value heads, past_sequence_length, head size]
 * logits                                FLOAT [batch_size, sequence_length, vocabulary]
 * present.L.key, .value                 FLOAT [batch_size, key-value heads, total_sequence_length, head size]
 * </pre>
 */
final class DecoderGraph {
    static final String INPUT_IDS = "input_ids";
    static final String ATTENTION_MASK = "attention_mask";
    static final String LOGITS = "logits";
    /** With the layer's number for %d. */
    static final String PAST = "past_key_values.%d.";

    static final String PRESENT = "present.%d.";
    static final String KEY = "key";
    static final String VALUE = "value";

    private static final String MULTIPLY_BLOCKS = "MatMulNBits";
    private static final String LOOK_UP_BLOCKS = "GatherBlockQuantized";

    private final ModelConfig config;
    private final Architecture architecture;
    private final int bits;
    private final int accuracyLevel;
    private final List<RotaryTable> tables;
    private final List<TensorRule> rules;
    private final GraphWriter graph;

    /** The accuracy level is that of every {@code MatMulNBits}. */
    DecoderGraph(ModelConfig config, int bits, int accuracyLevel) {
        this.config = config;
        this.architecture = config.architecture();
        this.bits = bits;
        this.accuracyLevel = accuracyLevel;
        this.tables = RotaryTable.of(config);
        this.rules = architecture.tensors(config);
        this.graph = new GraphWriter(config.name().orElse(architecture.modelType()));
    }

    /** The graph, without the constants that lie in the file of weights. */
    GraphWriter build() {
        declare();
        Lengths lengths = lengths();
        String residual = embedding();
        String normed = graph.standard(
                "SimplifiedLayerNormalization",
                "/model/layers.0/input_norm",
                List.of(residual, norm(0, Place.ATTENTION_INPUT)),
                epsilon());
        for (int layer = 0; layer < config.layerCount(); layer++) {
            String path = "/model/layers." + layer;
            String attended = attention(layer, path + "/attention", normed, lengths);
            attended = normedOutput(attended, path + "/attention/output_norm", layer, Place.ATTENTION_OUTPUT);
            normed = added(path + "/feed_forward_norm", residual, attended, norm(layer, Place.FEED_FORWARD_INPUT));
            residual = sum(path + "/feed_forward_norm");

            String fed = feedForward(layer, path + "/feed_forward", normed);
            fed = normedOutput(fed, path + "/feed_forward/output_norm", layer, Place.FEED_FORWARD_OUTPUT);
            boolean last = layer + 1 == config.layerCount();
            String next = last ? "/model/norm" : "/model/layers." + (layer + 1) + "/input_norm";
            String gain =
                    last ? rule(new TensorRole.Norm(Place.HEAD_INPUT)).name() : norm(layer + 1, Place.ATTENTION_INPUT);
            normed = added(next, residual, fed, gain);
            residual = sum(next);
        }
        head(normed);
        return graph;
    }

    private void declare() {
        graph.input(INPUT_IDS, ElementType.INT64, List.of("batch_size", "sequence_length"));
        graph.input(ATTENTION_MASK, ElementType.INT64, List.of("batch_size", "total_sequence_length"));
        graph.output(
                LOGITS, ElementType.FLOAT, List.of("batch_size", "sequence_length", (long) config.vocabularySize()));
        for (int layer = 0; layer < config.layerCount(); layer++) {
            for (String which : List.of(KEY, VALUE)) {
                graph.input(past(layer, which), ElementType.FLOAT, cache("past_sequence_length"));
                graph.output(present(layer, which), ElementType.FLOAT, cache("total_sequence_length"));
            }
        }
    }

    private List<Object> cache(String length) {
        return List.of("batch_size", (long) config.keyValueHeadCount(), length, (long) config.headSize());
    }

    static String past(int layer, String which) {
        return PAST.replace("%d", Integer.toString(layer)) + which;
    }

    static String present(int layer, String which) {
        return PRESENT.replace("%d", Integer.toString(layer)) + which;
    }

    /**
     * What the attention operator is told of lengths.
     *
     * @param last INT32 [batch_size], the position of the last token of each sequence
     * @param total INT32 scalar, past and new tokens
     */
    private record Lengths(String last, String total) {}

    private Lengths lengths() {
        String one = graph.wholes("/model/lengths/one", 1);
        String first = graph.wholes("/model/lengths/axis", 1);
        String seen = graph.standard(
                "ReduceSum", "/model/lengths/seen", List.of(ATTENTION_MASK, first), new Attribute.Whole("keepdims", 0));
        String last = graph.standard("Sub", "/model/lengths/last_wide", List.of(seen, one));
        String shape = graph.standard("Shape", "/model/lengths/shape", List.of(ATTENTION_MASK));
        String axis = graph.wholeScalar("/model/lengths/total_axis", 1);
        String total = graph.standard("Gather", "/model/lengths/total_wide", List.of(shape, axis));
        return new Lengths(cast(last, "/model/lengths/last"), cast(total, "/model/lengths/total"));
    }

    private String cast(String value, String name) {
        return graph.standard("Cast", name, List.of(value), new Attribute.Whole("to", ElementType.INT32.id()));
    }

    private String embedding() {
        String name = rule(new TensorRole.Embedding()).name();
        String x = "/model/embedding";
        if (config.tiedHead()) {
            graph.contributed(
                    LOOK_UP_BLOCKS,
                    x,
                    List.of(WeightNames.codes(name, bits), INPUT_IDS, WeightNames.scales(name)),
                    new Attribute.Whole("bits", bits),
                    new Attribute.Whole("block_size", NBitsBlocks.ELEMENTS),
                    new Attribute.Whole("gather_axis", 0),
                    new Attribute.Whole("quantize_axis", 1));
        } else {
            graph.standard("Gather", "/model/embedding/stored", List.of(name, INPUT_IDS));
            graph.standard(
                    "Cast", x, List.of("/model/embedding/stored"), new Attribute.Whole("to", ElementType.FLOAT.id()));
        }
        if (!architecture.has(Trait.SCALED_EMBEDDING)) {
            return x;
        }
        String factor = graph.scalar("/model/embedding/factor", (float) Math.sqrt(config.hiddenSize()));
        return graph.standard("Mul", "/model/embedding/scaled", List.of(x, factor));
    }

    /** Queries, keys and values of the normed stream, and what the queries find. */
    private String attention(int layer, String path, String normed, Lengths lengths) {
        LayerAttention attention = config.attention().get(layer);
        List<String> inputs = new ArrayList<>();
        if (find(layer, Projection.QUERY_KEY_VALUE).isPresent()) {
            // The operator takes the rows of all three in one.
            inputs.addAll(List.of(linear(layer, Projection.QUERY_KEY_VALUE, path + "/qkv", normed), "", ""));
        } else {
            String query = linear(layer, Projection.QUERY, path + "/q", normed);
            String key = linear(layer, Projection.KEY, path + "/k", normed);
            String value = linear(layer, Projection.VALUE, path + "/v", normed);
            inputs.add(normedHeads(layer, Place.QUERY, path + "/q_norm", query, config.headCount()));
            inputs.add(normedHeads(layer, Place.KEY, path + "/k_norm", key, config.keyValueHeadCount()));
            inputs.add(value);
        }
        inputs.addAll(List.of(past(layer, KEY), past(layer, VALUE), lengths.last(), lengths.total()));
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
                List.of(path + "/found", present(layer, KEY), present(layer, VALUE)),
                attributes.toArray(Attribute[]::new));
        return linear(layer, Projection.ATTENTION_OUTPUT, path + "/o", path + "/found");
    }

    /** Norms each head of [batch, length, heads · size], if the model does. */
    private String normedHeads(int layer, Place place, String path, String x, int heads) {
        Optional<String> gain = architecture.find(layer, new TensorRole.Norm(place));
        if (gain.isEmpty()) {
            return x;
        }
        String split = graph.wholes(path + "/split", 0, 0, heads, config.headSize());
        String joined = graph.wholes(path + "/joined", 0, 0, (long) heads * config.headSize());
        String apart = graph.standard("Reshape", path + "/heads", List.of(x, split));
        String normed =
                graph.standard("SimplifiedLayerNormalization", path + "/normed", List.of(apart, gain.get()), epsilon());
        return graph.standard("Reshape", path, List.of(normed, joined));
    }

    /** down(activation(gate(x)) · up(x)). */
    private String feedForward(int layer, String path, String normed) {
        String gate;
        String up;
        if (find(layer, Projection.GATE_UP).isPresent()) {
            String both = linear(layer, Projection.GATE_UP, path + "/gate_up", normed);
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
            gate = linear(layer, Projection.GATE, path + "/gate", normed);
            up = linear(layer, Projection.UP, path + "/up", normed);
        }
        String open;
        if (architecture.has(Trait.GELU)) {
            open = graph.standard("Gelu", path + "/gelu", List.of(gate), new Attribute.Text("approximate", "tanh"));
        } else {
            String sigmoid = graph.standard("Sigmoid", path + "/sigmoid", List.of(gate));
            open = graph.standard("Mul", path + "/silu", List.of(gate, sigmoid));
        }
        String gated = graph.standard("Mul", path + "/gated", List.of(open, up));
        return linear(layer, Projection.DOWN, path + "/down", gated);
    }

    private void head(String normed) {
        TensorRole role = config.tiedHead() ? new TensorRole.Embedding() : new TensorRole.OutputHead();
        TensorRule rule = rule(role);
        if (config.logitCap().isEmpty()) {
            multiply(WeightNames.HEAD, rule.name(), rule, LOGITS, normed);
            return;
        }
        multiply(WeightNames.HEAD, rule.name(), rule, "/model/head", normed);
        String cap = graph.scalar("/model/head/cap", (float) config.logitCap().getAsDouble());
        String units = graph.standard("Div", "/model/head/units", List.of("/model/head", cap));
        String bounded = graph.standard("Tanh", "/model/head/bounded", List.of(units));
        graph.standard("Mul", LOGITS, List.of(bounded, cap));
    }

    /** x · matrixᵀ, and the bias if there is one. */
    private String linear(int layer, Projection projection, String path, String x) {
        TensorRule matrix = rule(layer, new TensorRole.Linear(projection)).orElseThrow();
        Optional<String> bias = architecture.find(layer, new TensorRole.Bias(projection));
        String product = bias.isPresent() ? path + "/product" : path;
        multiply(matrix.name(), matrix.name(), matrix, product, x);
        return bias.map(name -> graph.standard("Add", path, List.of(product, name)))
                .orElse(product);
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

    /** A norm of what a block puts out, if the model has one. */
    private String normedOutput(String x, String path, int layer, Place place) {
        return architecture
                .find(layer, new TensorRole.Norm(place))
                .map(gain -> graph.standard("SimplifiedLayerNormalization", path, List.of(x, gain), epsilon()))
                .orElse(x);
    }

    /** Adds to the residual stream and norms the sum. */
    private String added(String path, String residual, String branch, String gain) {
        graph.node(
                OnnxFields.CONTRIBUTED,
                "SkipSimplifiedLayerNormalization",
                path,
                List.of(residual, branch, gain),
                List.of(path, "", "", sum(path)),
                epsilon());
        return path;
    }

    private static String sum(String path) {
        return path + "/sum";
    }

    private Attribute epsilon() {
        return new Attribute.Real("epsilon", (float) config.normEpsilon());
    }

    private Optional<String> find(int layer, Projection projection) {
        return architecture.find(layer, new TensorRole.Linear(projection));
    }

    private String norm(int layer, Place place) {
        return architecture.find(layer, new TensorRole.Norm(place)).orElseThrow();
    }

    private TensorRule rule(TensorRole role) {
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
