package io.millrace.events.policy;

import io.millrace.events.CompressedModules;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.Literature;
import io.millrace.events.Parameters;
import io.millrace.events.policy.Yaml.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/** Reads the parameters of a quantize step; each format has its own. {@link RecipeReader} tells the defaults. */
final class QuantizeReader {
    private QuantizeReader() {}

    static Parameters.Quantize read(Fields fields) throws PolicyException {
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
