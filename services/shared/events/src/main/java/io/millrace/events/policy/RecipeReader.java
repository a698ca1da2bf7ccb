package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.policy.Yaml.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads one rung of a ladder: a list of steps, each a stage's name with its parameters. Defaults:
 *
 * <pre>
 * prune     method neurons: multiple-of = what the quantize step after it needs of a row, else 32
 *           method magnitude: global false
 * distill   steps 300, batch 8, length 128, temperature 2, text-weight 0, learning-rate 5e-4
 * quantize  method round-to-nearest, the only one that this version knows
 * </pre>
 */
final class RecipeReader {
    private static final int ROW_MULTIPLE = 32;
    private static final Set<String> STAGES =
            Set.of(StageName.PRUNE.wireName(), StageName.DISTILL.wireName(), StageName.QUANTIZE.wireName());

    private final String where;
    private final Device workOn;

    /**
     * @param workOn device of a step that names none
     */
    RecipeReader(String where, Device workOn) {
        this.where = where;
        this.workOn = workOn;
    }

    Recipe read(Yaml node) throws PolicyException {
        List<Entry> entries = entries(node);
        List<Step> steps = new ArrayList<>();
        Optional<Parameters.Quantize> later = Optional.empty();
        for (Entry entry : entries.reversed()) {
            Fields fields = Fields.of(where, entry.value(), "'" + entry.key() + "'");
            if (!steps.isEmpty() && entry.key().equals(StageName.QUANTIZE.wireName())) {
                throw fields.error(
                        entry.line(),
                        "nothing can follow a quantize step, whose result has no plain weights; make it the last step");
            }
            Step step = step(entry, fields, later);
            steps.addFirst(step);
            if (step.parameters() instanceof Parameters.Quantize quantize) {
                later = Optional.of(quantize);
            }
        }
        return new Recipe(steps);
    }

    /** The steps in order, whether written as a list of maps with one key each or several keys in one map. */
    private List<Entry> entries(Yaml node) throws PolicyException {
        List<Yaml> maps = node instanceof Yaml.Sequence sequence ? sequence.items() : List.of(node);
        List<Entry> entries = new ArrayList<>();
        for (Yaml map : maps) {
            Fields fields = Fields.of(where, map, "a step");
            for (Entry entry : fields.mapping().entries().values()) {
                if (!STAGES.contains(entry.key())) {
                    throw fields.unknown(entry.line(), "stage", entry.key(), STAGES);
                }
                entries.add(entry);
            }
        }
        if (entries.isEmpty()) {
            throw new PolicyException(where + ":" + node.line() + ": a recipe has at least one step");
        }
        return entries;
    }

    private Step step(Entry entry, Fields fields, Optional<Parameters.Quantize> later) throws PolicyException {
        Device device = fields.device("device", workOn);
        Parameters parameters;
        try {
            parameters = switch (entry.key()) {
                case "prune" -> prune(fields, later);
                case "distill" -> distill(fields, later.isEmpty());
                default -> quantize(fields);
            };
        } catch (IllegalArgumentException e) {
            throw fields.error(entry.line(), entry.key() + ": " + e.getMessage());
        }
        fields.done();
        return new Step(parameters, device);
    }

    private static Parameters prune(Fields fields, Optional<Parameters.Quantize> later) throws PolicyException {
        String method = fields.choice(fields.require("method"), Set.of("neurons", "magnitude"));
        if (method.equals("magnitude")) {
            return new Parameters.Magnitude(
                    fields.optionalReal("fraction"), fields.optionalReal("threshold"), fields.flag("global"));
        }
        fields.require("fraction");
        return new Parameters.Neurons(
                fields.real("fraction", 0),
                fields.integer(
                        "multiple-of",
                        later.map(Parameters.Quantize::rowMultiple).orElse(ROW_MULTIPLE)));
    }

    private static Parameters distill(Fields fields, boolean product) throws PolicyException {
        return new Parameters.Distill(
                fields.integer("steps", 300),
                fields.integer("batch", 8),
                fields.integer("length", 128),
                fields.real("temperature", 2),
                fields.real("text-weight", 0),
                fields.real("learning-rate", 5e-4),
                product);
    }

    private static Parameters quantize(Fields fields) throws PolicyException {
        String format = fields.choice(fields.require("format"), Set.of("gguf", "compressed-tensors", "onnx"));
        fields.choice("method", Set.of("round-to-nearest"), "round-to-nearest");
        return switch (format) {
            case "gguf" -> new Parameters.Gguf(fields.choice(fields.require("type"), Parameters.Gguf.TYPES));
            case "onnx" -> new Parameters.Onnx(fields.choice(fields.require("type"), Parameters.Onnx.TYPES));
            default ->
                new Parameters.CompressedTensors(
                        fields.choice(fields.require("scheme"), Parameters.CompressedTensors.TYPES));
        };
    }
}
