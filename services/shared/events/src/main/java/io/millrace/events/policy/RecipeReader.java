package io.millrace.events.policy;

import io.millrace.events.CompressedModules;
import io.millrace.events.Device;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.Literature;
import io.millrace.events.Parameters;
import io.millrace.events.StageName;
import io.millrace.events.policy.Yaml.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Reads one rung of a ladder: a list of steps, each a stage's name with its parameters. Defaults:
 *
 * <pre>
 * prune     method neurons: multiple-of = what the quantize step after it needs of a row, else 32
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
                default -> quantize(fields);
            };
        } catch (IllegalArgumentException e) {
            throw fields.error(entry.line(), entry.key() + ": " + e.getMessage());
        }
        if (parameters instanceof Parameters.Gguf gguf) {
            importance = fields.optionalText("importance").map(folder::resolve);
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
        String format = fields.choice(
                fields.require("format"), Set.of("gguf", "compressed-tensors", "onnx", Literature.FORMAT));
        fields.choice("method", Set.of("round-to-nearest"), "round-to-nearest");
        return switch (format) {
            case "gguf" ->
                new Parameters.Gguf(
                        fields.choice(fields.require("type"), Parameters.Gguf.TYPES),
                        tensorTypes(fields),
                        partLimit(fields));
            case "onnx" -> new Parameters.Onnx(fields.choice(fields.require("type"), Parameters.Onnx.TYPES));
            case Literature.FORMAT -> literature(fields);
            default ->
                new Parameters.CompressedTensors(
                        fields.choice(fields.require("scheme"), Parameters.CompressedTensors.TYPES),
                        modules(fields),
                        partSize(fields));
        };
    }

    /** Each scheme has its own fields; one of another scheme is as unknown as any. */
    private static Literature literature(Fields fields) throws PolicyException {
        String scheme = fields.choice(fields.require("scheme"), Literature.TYPES);
        boolean uniform = scheme.equals("uniform");
        return Literature.of(
                scheme,
                uniform ? fields.integer(Literature.BITS, Literature.USUAL_BITS) : Literature.USUAL_BITS,
                uniform ? fields.optionalReal(Literature.LEVELS) : OptionalDouble.empty(),
                scheme.equals("ternary")
                        ? fields.real(Literature.THRESHOLD, Literature.USUAL_THRESHOLD)
                        : Literature.USUAL_THRESHOLD,
                inputs(fields));
    }

    private static Optional<Literature.Inputs> inputs(Fields fields) throws PolicyException {
        OptionalDouble levels = fields.optionalReal(Literature.INPUT_LEVELS);
        if (levels.isEmpty() && fields.find(Literature.INPUT_BITS).isEmpty()) {
            return Optional.empty();
        }
        fields.require(Literature.INPUT_BITS);
        return Optional.of(new Literature.Inputs(fields.integer(Literature.INPUT_BITS, 0), levels));
    }

    private static GgufTensorTypes tensorTypes(Fields fields) throws PolicyException {
        boolean pure = fields.flag("pure");
        Optional<String> embedding = tensorType(fields, "token-embedding-type");
        Optional<String> output = tensorType(fields, "output-tensor-type");
        List<GgufTensorTypes.PatternType> byPattern = new ArrayList<>();
        if (fields.find("tensor-type").isPresent()) {
            Fields patterns = fields.map("tensor-type");
            for (Entry entry : patterns.mapping().entries().values()) {
                String type = patterns.choice(entry, GgufTensorTypes.TYPES);
                try {
                    byPattern.add(new GgufTensorTypes.PatternType(entry.key(), type));
                } catch (IllegalArgumentException e) {
                    throw patterns.error(entry.line(), String.valueOf(e.getMessage()));
                }
            }
        }
        return new GgufTensorTypes(pure, embedding, output, byPattern);
    }

    private static CompressedModules modules(Fields fields) throws PolicyException {
        List<CompressedModules.PatternScheme> byPattern = new ArrayList<>();
        if (fields.find(CompressedModules.BY_PATTERN).isPresent()) {
            Fields patterns = fields.map(CompressedModules.BY_PATTERN);
            for (Entry entry : patterns.mapping().entries().values()) {
                String scheme = patterns.choice(entry, Parameters.CompressedTensors.TYPES);
                try {
                    byPattern.add(new CompressedModules.PatternScheme(entry.key(), scheme));
                } catch (IllegalArgumentException e) {
                    throw patterns.error(entry.line(), String.valueOf(e.getMessage()));
                }
            }
        }
        return new CompressedModules(byPattern, fields.optionalTexts(CompressedModules.IGNORE));
    }

    private static Optional<GgufPartLimit> partLimit(Fields fields) throws PolicyException {
        Optional<Entry> size = fields.find(GgufPartLimit.SIZE);
        Optional<Entry> tensors = fields.find(GgufPartLimit.TENSORS);
        if (size.isPresent() && tensors.isPresent()) {
            throw fields.error(
                    tensors.get().line(),
                    "'" + GgufPartLimit.SIZE + "' and '" + GgufPartLimit.TENSORS
                            + "' exclude each other; leave one out");
        }
        if (size.isPresent()) {
            return partSize(fields).map(limit -> limit);
        }
        return tensors.isPresent()
                ? Optional.of(new GgufPartLimit.Tensors(fields.integer(GgufPartLimit.TENSORS, 1, 1)))
                : Optional.empty();
    }

    private static Optional<GgufPartLimit.Size> partSize(Fields fields) throws PolicyException {
        return fields.optionalText(GgufPartLimit.SIZE).map(GgufPartLimit.Size::parse);
    }

    private static Optional<String> tensorType(Fields fields, String key) throws PolicyException {
        Optional<Entry> entry = fields.find(key);
        return entry.isPresent() ? Optional.of(fields.choice(entry.get(), GgufTensorTypes.TYPES)) : Optional.empty();
    }
}
