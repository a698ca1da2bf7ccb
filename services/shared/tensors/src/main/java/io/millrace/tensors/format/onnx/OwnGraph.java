package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.onnx.NBits;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Finds a model's tensors in a graph that {@link OnnxPlan} wrote, which must be all that it holds. */
final class OwnGraph {
    private final ModelConfig config;
    private final OnnxFile file;
    private final Constants constants;

    private OwnGraph(ModelConfig config, OnnxFile file) {
        this.config = config;
        this.file = file;
        this.constants = new Constants(file.name(), file.graph());
    }

    /** Where each tensor lies, by its Hugging Face name. */
    static Map<String, StoredWeight> find(ModelConfig config, OnnxFile file) throws MalformedFileException {
        return new OwnGraph(config, file).find();
    }

    private Map<String, StoredWeight> find() throws MalformedFileException {
        Map<String, StoredWeight> found = new LinkedHashMap<>();
        for (TensorRule rule : config.architecture().tensors(config)) {
            found.put(rule.name(), WeightNames.inBlocks(rule, config) ? blocks(rule) : dense(rule));
        }
        for (RotaryTable table : RotaryTable.of(config)) {
            checkTurns(table, false);
            checkTurns(table, true);
        }
        if (!constants.unread().isEmpty()) {
            throw constants.problem("constant '" + constants.unread().getFirst().name()
                    + "' is none of the architecture " + config.architecture().className());
        }
        return found;
    }

    private StoredWeight dense(TensorRule rule) throws MalformedFileException {
        return new StoredWeight.Dense(
                constants.takeNumbers(rule.name(), rule.shape()), rule.shape().rows());
    }

    private StoredWeight blocks(TensorRule rule) throws MalformedFileException {
        int bits = file.graph().tensors().containsKey(WeightNames.codes(rule.name(), 8)) ? 8 : 4;
        String name = WeightNames.codes(rule.name(), bits);
        if (rule.shape().rowLength() % NBitsBlocks.ELEMENTS != 0) {
            throw constants.problem("'" + rule.name() + "' has rows of "
                    + rule.shape().rowLength() + ", expected a multiple of " + NBitsBlocks.ELEMENTS);
        }
        ExternalTensor codes = constants.take(name, WeightNames.codesShape(rule, bits), ElementType.UINT8);
        ExternalTensor scales = constants.take(
                WeightNames.scales(rule.name()), WeightNames.scalesShape(rule.shape()), ElementType.FLOAT);
        String multiplied = name;
        if (rule.role() instanceof TensorRole.Embedding) {
            multiplied = WeightNames.codes(WeightNames.HEAD, bits);
            ExternalTensor head =
                    constants.take(multiplied, WeightNames.multiplied(rule.shape(), bits), ElementType.UINT8);
            if (head.offset() != codes.offset()) {
                throw constants.problem("'" + multiplied + "' lies at byte " + head.offset() + " and '" + name + "' at "
                        + codes.offset() + ", expected one place: the head is the embedding");
            }
        }
        OnnxGraph.Node use = requireUse(multiplied, rule, bits);
        return new StoredWeight.Blocks(
                new NBits(bits, NBitsBlocks.ELEMENTS),
                codes,
                scales,
                Optional.empty(),
                rule.shape().rows(),
                use.attribute("accuracy_level") == OnnxType.INPUTS_ROUNDED);
    }

    private OnnxGraph.Node requireUse(String codes, TensorRule rule, int bits) throws MalformedFileException {
        OnnxGraph.Node use = file.graph().uses().get(codes);
        if (use == null) {
            throw constants.problem("no node " + OnnxGraph.MULTIPLIES + " takes '" + codes + "', expected one");
        }
        Map<String, Long> expected = Map.of(
                "bits",
                (long) bits,
                "block_size",
                (long) NBitsBlocks.ELEMENTS,
                "N",
                rule.shape().extent(0),
                "K",
                rule.shape().extent(1));
        for (Map.Entry<String, Long> attribute : expected.entrySet()) {
            if (use.attribute(attribute.getKey()) != attribute.getValue()) {
                throw constants.problem("the node " + OnnxGraph.MULTIPLIES + " of '" + codes + "' has "
                        + attribute.getKey() + " " + use.attribute(attribute.getKey()) + ", expected "
                        + attribute.getValue());
            }
        }
        String scales = use.input(2).orElse("");
        if (use.inputs().size() != 3 || !scales.equals(WeightNames.scales(rule.name()))) {
            throw constants.problem("the node " + OnnxGraph.MULTIPLIES + " of '" + codes + "' has "
                    + use.inputs().size() + " inputs with scales '" + scales + "', expected 3 with '"
                    + WeightNames.scales(rule.name()) + "'");
        }
        return use;
    }

    private void checkTurns(RotaryTable table, boolean sine) throws MalformedFileException {
        String name = sine ? table.sines() : table.cosines();
        Shape shape = Shape.of(table.positions(), table.rotarySize() / 2);
        table.require(sine, file, constants.take(name, shape, ElementType.FLOAT));
    }
}
