package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.format.onnx.OnnxGraph.Node;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds a model's tensors in a graph of another maker: the model builder of onnxruntime-genai, or an exporter with ONNX
 * Runtime's quantizer after it. Matrices go by the names of the nodes that multiply by them; one may hold q, k and v, or
 * gate and up. Everything else goes by the names of constants, and one that no tensor accounts for is refused: the graph
 * would compute something that the architecture does not.
 */
final class ForeignGraph {
    private static final long COMPARED_ELEMENTS = 1 << 20;
    private static final String EMBEDDING = "model.embed_tokens.weight";
    /** The builder turns a head that is multiplied by for looking up rows, and a quantizer leaves that use of it alone. */
    private static final String SHARED = "lm_head.MatMul.weight";

    private static final String HEAD_MODULE = "lm_head";

    private static final List<Projection> ATTENTION = List.of(Projection.QUERY, Projection.KEY, Projection.VALUE);
    private static final List<Projection> GATES = List.of(Projection.GATE, Projection.UP);

    private final ModelConfig given;
    private final OnnxFile file;
    private final Constants constants;
    private final ForeignMatrices matrices;

    ForeignGraph(ModelConfig given, OnnxFile file) throws MalformedFileException {
        this.given = given;
        this.file = file;
        this.constants = new Constants(file.name(), file.graph());
        this.matrices = new ForeignMatrices(constants, file.graph());
    }

    /**
     * The configuration that the graph computes: where config.json ties the head to the embedding, builders still write
     * both, and quantize the head alone.
     */
    ModelConfig config() throws MalformedFileException {
        if (!given.tiedHead()) {
            return given;
        }
        StoredWeight head = head();
        if (head.equals(embedding()) || sameNumbers(head, embedding())) {
            return given;
        }
        if (given.architecture().has(Trait.ALWAYS_TIED)) {
            throw constants.unsupported(
                    "the head of this " + given.architecture().className()
                            + " has other numbers than its embedding, which the architecture takes for one; build the"
                            + " model with shared_embeddings=true");
        }
        return ModelConfig.of(given.json().deepCopy().put("tie_word_embeddings", false), "config.json");
    }

    private boolean sameNumbers(StoredWeight head, StoredWeight embedding) {
        WeightRows rows = new WeightRows(file);
        int rowLength = given.hiddenSize();
        int step = Math.toIntExact(Math.max(1, COMPARED_ELEMENTS / rowLength));
        float[] one = new float[step * rowLength];
        float[] other = new float[step * rowLength];
        for (int from = 0; from < given.vocabularySize(); from += step) {
            int to = Math.min(given.vocabularySize(), from + step);
            rows.read(head, rowLength, from, to, MemorySegment.ofArray(one));
            rows.read(embedding, rowLength, from, to, MemorySegment.ofArray(other));
            int count = (to - from) * rowLength;
            if (!Arrays.equals(one, 0, count, other, 0, count)) {
                return false;
            }
        }
        return true;
    }

    /** Where each tensor of the configuration lies, by its Hugging Face name. */
    Map<String, StoredWeight> find(ModelConfig config) throws MalformedFileException {
        Map<String, StoredWeight> found = new LinkedHashMap<>();
        for (TensorRule rule : config.architecture().tensors(config)) {
            found.put(rule.name(), find(rule));
        }
        List<RotaryTable> tables = RotaryTable.of(config);
        // Builders name several tables as they like, and those of long rope depend on the length of the text.
        boolean checked = tables.size() == 1 && !tables.getFirst().dependsOnLength();
        if (checked) {
            checkTurns(tables.getFirst(), false);
            checkTurns(tables.getFirst(), true);
        }
        for (ExternalTensor tensor : constants.unread()) {
            String name = tensor.name();
            boolean turns = !checked && RotaryTable.isNamed(name);
            if (!turns && tensor.type() != ElementType.INT32 && tensor.type() != ElementType.INT64) {
                throw constants.unsupported("constant '" + name + "' is no tensor of "
                        + config.architecture().className()
                        + ", so the graph computes something else; dequantize a graph of this architecture"
                        + " without additions");
            }
        }
        return found;
    }

    private StoredWeight find(TensorRule rule) throws MalformedFileException {
        return switch (rule.role()) {
            case TensorRole.Embedding _ -> embedding();
            case TensorRole.OutputHead _ -> head();
            case TensorRole.Linear(Projection projection) -> matrix(rule, projection);
            case TensorRole.Bias(Projection projection) -> bias(rule, projection);
            case TensorRole.Norm(TensorRole.Norm.Place place) -> norm(rule, place);
            case TensorRole.Router _ ->
                throw constants.unsupported(
                        "is a mixture of experts, whose graphs are not read; dequantize another format of it");
        };
    }

    private StoredWeight head() throws MalformedFileException {
        return matrices.find(HEAD_MODULE, given.vocabularySize(), given.hiddenSize())
                .orElseThrow(() -> constants.missing("a node for module '" + HEAD_MODULE + "'"));
    }

    private StoredWeight embedding() throws MalformedFileException {
        Shape shape = Shape.of(given.vocabularySize(), given.hiddenSize());
        if (file.graph().tensors().containsKey(EMBEDDING)) {
            return new StoredWeight.Dense(constants.takeNumbers(EMBEDDING, shape), shape.rows());
        }
        if (file.graph().tensors().containsKey(SHARED)) {
            ExternalTensor shared = constants.takeNumbers(SHARED, Shape.of(shape.extent(1), shape.extent(0)));
            return new StoredWeight.Transposed(shared, shape.rows());
        }
        Optional<Node> lookup = file.graph().nodes().stream()
                .filter(node -> node.operator().equals(OnnxGraph.LOOKS_UP))
                .findFirst();
        Optional<Node> head = matrices.product(HEAD_MODULE);
        if (lookup.isEmpty()) {
            throw constants.missing(List.of(SHARED, EMBEDDING));
        }
        if (head.isPresent() && head.get().input(2).equals(lookup.get().input(2))) {
            return head();
        }
        return matrices.lookedUp(lookup.get(), shape.rows(), shape.rowLength());
    }

    private StoredWeight matrix(TensorRule rule, Projection projection) throws MalformedFileException {
        Shape shape = rule.shape();
        Optional<StoredWeight> alone = matrices.find(rule.module(), shape.rows(), shape.rowLength());
        if (alone.isPresent()) {
            return alone.get();
        }
        return switch (projection) {
            case QUERY, KEY, VALUE -> within(rule, projection, ATTENTION, "qkv_proj");
            case GATE, UP -> within(rule, projection, GATES, "gate_up_proj");
            case QUERY_KEY_VALUE -> stacked(rule, ATTENTION, List.of("q_proj", "k_proj", "v_proj"));
            case GATE_UP -> stacked(rule, GATES, List.of("gate_proj", "up_proj"));
            case ATTENTION_OUTPUT, DOWN, EXPERT_GATE, EXPERT_UP, EXPERT_DOWN -> throw noNode(rule.module());
        };
    }

    /** The rows of one projection in a matrix that holds several. */
    private StoredWeight within(TensorRule rule, Projection projection, List<Projection> all, String fused)
            throws MalformedFileException {
        long rows = all.stream().mapToLong(this::rows).sum();
        StoredWeight whole = matrices.find(
                        beside(rule, fused), rows, rule.shape().rowLength())
                .orElseThrow(() -> noNode(rule.module()));
        return new StoredWeight.Part(whole, first(projection, all), rows(projection));
    }

    /** The rows before those of a projection. */
    private long first(Projection projection, List<Projection> all) {
        return all.subList(0, all.indexOf(projection)).stream()
                .mapToLong(this::rows)
                .sum();
    }

    private long rows(Projection projection) {
        return projection.shape(given).extent(0);
    }

    private StoredWeight stacked(TensorRule rule, List<Projection> all, List<String> names)
            throws MalformedFileException {
        List<StoredWeight> parts = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            String module = beside(rule, names.get(i));
            parts.add(matrices.find(module, rows(all.get(i)), rule.shape().rowLength())
                    .orElseThrow(() -> noNode(module)));
        }
        return new StoredWeight.Stacked(parts);
    }

    /** A module in the same block as a tensor's own. */
    private static String beside(TensorRule rule, String name) {
        return rule.module().substring(0, rule.module().lastIndexOf('.') + 1) + name;
    }

    private MalformedFileException noNode(String module) {
        return constants.missing("a node for module '" + module + "'");
    }

    /** A vector of its own, or its numbers within that of q, k and v. */
    private StoredWeight bias(TensorRule rule, Projection projection) throws MalformedFileException {
        String fused = added(beside(rule, "qkv_proj"));
        if (!file.graph().tensors().containsKey(fused)) {
            return named(rule, List.of(rule.name(), fused, added(rule.module())));
        }
        long all = ATTENTION.stream().mapToLong(this::rows).sum();
        ExternalTensor whole = constants.takeNumbers(fused, Shape.of(all));
        long first = first(projection, ATTENTION);
        return new StoredWeight.Dense(
                new ExternalTensor(
                        fused,
                        whole.type(),
                        rule.shape(),
                        whole.offset() + first * whole.type().bytes()),
                1);
    }

    private static String added(String module) {
        return module.replace(".self_attn.", ".attn.") + ".Add.bias";
    }

    private StoredWeight norm(TensorRule rule, TensorRole.Norm.Place place) throws MalformedFileException {
        String written = switch (place) {
            case QUERY, KEY -> rule.module().replace(".self_attn.", ".attn.") + ".layernorm.weight";
            case HEAD_INPUT -> "model.layers." + given.layerCount() + ".final_norm_layernorm.weight";
            case ATTENTION_INPUT, ATTENTION_OUTPUT, FEED_FORWARD_INPUT, FEED_FORWARD_OUTPUT -> rule.name();
        };
        return named(rule, List.of(rule.name(), written));
    }

    private StoredWeight named(TensorRule rule, List<String> names) throws MalformedFileException {
        for (String name : names) {
            if (file.graph().tensors().containsKey(name)) {
                return new StoredWeight.Dense(
                        constants.takeNumbers(name, rule.shape()), rule.shape().rows());
            }
        }
        throw constants.missing(names);
    }

    private void checkTurns(RotaryTable table, boolean sine) throws MalformedFileException {
        Optional<ExternalTensor> stored = constants.find(sine ? table.sines() : table.cosines());
        if (stored.isEmpty()) {
            return;
        }
        Shape shape = stored.get().shape();
        if (shape.rank() != 2 || shape.extent(0) < 2 || shape.extent(1) != table.rotarySize() / 2) {
            throw constants.problem("'" + stored.get().name() + "' has shape " + shape + ", expected ["
                    + table.positions() + ", " + table.rotarySize() / 2 + "] by config.json");
        }
        constants.requireNumbers(stored.get());
        table.require(sine, file, stored.get());
    }
}
