package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Parameters.Neurons;
import io.millrace.events.StageName;
import io.millrace.events.policy.Yaml.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads one rung of a ladder: a list of steps, each a stage's name with its parameters. Defaults:
 *
 * <pre>
 * prune     method neurons: multiple-of = what the quantize step after it needs of a row, else 32;
 *           importance weights; with importance activations: sequences 16, length 512
 *           method magnitude: global false
 * distill   steps 300, batch 8, length 128, temperature 2, text-weight 0, learning-rate 5e-4
 * quantize  method round-to-nearest, the only one that this version knows
 *           format gguf: pure false; token-embedding-type, output-tensor-type, tensor-type {PATTERN: TYPE, ...} in order,
 *           split-max-size (4G, 500M) or split-max-tensors, and importance, a file beside the policy, if given
 *           format compressed-tensors: module-scheme {PATTERN: SCHEME, ...} in order, ignore [PATTERN, ...],
 *           split-max-size (5G)
 *           format literature: scheme uniform with bits 8, levels fitted; ternary with threshold 0.7; binary;
 *           each with input-bits, and input-levels fitted, if inputs are rounded
 * </pre>
 */
final class RecipeReader {
    private static final int ROW_MULTIPLE = 32;
    private static final Set<String> STAGES =
            Set.of(StageName.PRUNE.wireName(), StageName.DISTILL.wireName(), StageName.QUANTIZE.wireName());

    private final String where;
    private final Path folder;
    private final Device workOn;

    /**
     * @param folder where files that a step names lie
     * @param workOn device of a step that names none
     */
    RecipeReader(String where, Path folder, Device workOn) {
        this.where = where;
        this.folder = folder;
        this.workOn = workOn;
    }

    RecipeDraft read(Yaml node) throws PolicyException {
        List<Entry> entries = entries(node);
        List<StepDraft> steps = new ArrayList<>();
        Optional<Parameters.Quantize> later = Optional.empty();
        for (Entry entry : entries.reversed()) {
            Fields fields = Fields.of(where, entry.value(), "'" + entry.key() + "'");
            if (!steps.isEmpty() && entry.key().equals(StageName.QUANTIZE.wireName())) {
                throw fields.error(
                        entry.line(),
                        "nothing can follow a quantize step, whose result has no plain weights; make it the last step");
            }
            StepDraft step = step(entry, fields, later);
            steps.addFirst(step);
            if (step.parameters() instanceof Parameters.Quantize quantize) {
                later = Optional.of(quantize);
            }
        }
        return new RecipeDraft(steps);
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

    private StepDraft step(Entry entry, Fields fields, Optional<Parameters.Quantize> later) throws PolicyException {
        Device device = fields.device("device", workOn);
        Optional<Path> importance = Optional.empty();
        Parameters parameters;
        try {
            parameters = switch (entry.key()) {
                case "prune" -> prune(fields, later);
                case "distill" -> distill(fields, later.isEmpty());
                default -> QuantizeReader.read(fields);
            };
        } catch (IllegalArgumentException e) {
            throw fields.error(entry.line(), entry.key() + ": " + e.getMessage());
        }
        if (parameters instanceof Parameters.Gguf gguf) {
            importance = fields.optionalFile("importance", folder);
            if (gguf.needsImportance() && importance.isEmpty()) {
                throw fields.error(
                        entry.line(),
                        gguf.type() + " is too coarse without an importance matrix; add 'importance: FILE', made by"
                                + " llama.cpp's llama-imatrix, or choose a larger type");
            }
        }
        fields.done();
        return new StepDraft(parameters, device, importance);
    }

    private static Parameters prune(Fields fields, Optional<Parameters.Quantize> later) throws PolicyException {
        String method = fields.choice(fields.require("method"), Set.of("neurons", "magnitude"));
        if (method.equals("magnitude")) {
            return new Parameters.Magnitude(
                    fields.optionalReal("fraction"), fields.optionalReal("threshold"), fields.flag("global"));
        }
        fields.require("fraction");
        return new Neurons(
                fields.real("fraction", 0),
                fields.integer(
                        "multiple-of",
                        later.map(Parameters.Quantize::rowMultiple).orElse(ROW_MULTIPLE)),
                activations(fields));
    }

    /** Windows belong to a ranking by activations; beside another they are as unknown as any key. */
    private static Optional<Neurons.Activations> activations(Fields fields) throws PolicyException {
        String by = fields.choice(
                Neurons.IMPORTANCE, Set.of(Neurons.BY_WEIGHTS, Neurons.BY_ACTIVATIONS), Neurons.BY_WEIGHTS);
        if (by.equals(Neurons.BY_WEIGHTS)) {
            return Optional.empty();
        }
        return Optional.of(
                new Neurons.Activations(fields.integer(Neurons.SEQUENCES, 16), fields.integer(Neurons.LENGTH, 512)));
    }

    private static Parameters distill(Fields fields, boolean product) throws PolicyException {
        double learningRate = fields.real("learning-rate", 5e-4);
        // Not a rule of the record: a policy that says so may be in force already, and has to be read.
        if (learningRate == 0) {
            throw new IllegalArgumentException("'learning-rate' is 0 but must lie above 0, else nothing is learned");
        }
        return new Parameters.Distill(
                fields.integer("steps", 300),
                fields.integer("batch", 8),
                fields.integer("length", 128),
                fields.real("temperature", 2),
                fields.real("text-weight", 0),
                learningRate,
                product);
    }
}
