package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
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
    private final ModelConfig given;
    private final OnnxFile file;
    private final Constants constants;
    private final ForeignEnds ends;
    private final ForeignModules modules;

    ForeignGraph(ModelConfig given, OnnxFile file) throws MalformedFileException {
        this.given = given;
        this.file = file;
        this.constants = new Constants(file.name(), file.graph());
        ForeignMatrices matrices = new ForeignMatrices(constants, file.graph());
        this.ends = new ForeignEnds(given, file, constants, matrices);
        this.modules = new ForeignModules(given, constants, matrices);
    }

    /**
     * The configuration that the graph computes: where config.json ties the head to the embedding, builders still write
     * both, and quantize the head alone.
     */
    ModelConfig config() throws MalformedFileException {
        if (!given.tiedHead() || ends.tied()) {
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
            case TensorRole.Embedding _ -> ends.embedding();
            case TensorRole.OutputHead _ -> ends.head();
            case TensorRole.Linear(Projection projection) -> modules.matrix(rule, projection);
            case TensorRole.Bias(Projection projection) -> modules.bias(rule, projection);
            case TensorRole.Norm(TensorRole.Norm.Place place) -> norm(rule, place);
            case TensorRole.Router _ ->
                throw constants.unsupported(
                        "is a mixture of experts, whose graphs are not read; dequantize another format of it");
        };
    }

    private StoredWeight norm(TensorRule rule, TensorRole.Norm.Place place) throws MalformedFileException {
        String written = switch (place) {
            case QUERY, KEY -> rule.module().replace(".self_attn.", ".attn.") + ".layernorm.weight";
            case HEAD_INPUT -> "model.layers." + given.layerCount() + ".final_norm_layernorm.weight";
            case ATTENTION_INPUT, ATTENTION_OUTPUT, FEED_FORWARD_INPUT, FEED_FORWARD_OUTPUT -> rule.name();
        };
        return constants.dense(rule, List.of(rule.name(), written));
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
