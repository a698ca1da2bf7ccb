package io.millrace.events.wire;

import io.millrace.events.CanonicalJson;
import io.millrace.events.CompressedModules;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.Literature;
import io.millrace.events.Parameters;
import io.millrace.events.StageName;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Parameters from their form on the wire. The version there is that of whoever wrote them; a policy that was written
 * for an older algorithm is carried out by this one. Where that matters, for a job, the key tells.
 */
public final class ParametersCodec {
    private final Map<String, Object> values;
    private final Set<String> taken = new TreeSet<>();

    private ParametersCodec(Map<String, Object> values) {
        this.values = values;
    }

    /**
     * The parameters, or empty if this version knows no such method, or not all of its parameters.
     *
     * @throws IllegalArgumentException if the values are none that the method takes
     */
    public static Optional<Parameters> of(StageName stage, String name, String json) {
        ParametersCodec codec = new ParametersCodec(CanonicalJson.read(json));
        Optional<Parameters> parameters = codec.parameters(stage, name);
        return parameters.filter(known -> codec.taken.containsAll(codec.values.keySet()));
    }

    private Optional<Parameters> parameters(StageName stage, String name) {
        return Optional.ofNullable(
                switch (stage.wireName() + " " + name) {
                    case "prune magnitude" ->
                        new Parameters.Magnitude(optional("fraction"), optional("threshold"), flag("global"));
                    case "prune neurons" -> neurons();
                    case "distill logits" ->
                        new Parameters.Distill(
                                integer("steps"),
                                integer("batch"),
                                integer("length"),
                                real("temperature"),
                                real("text-weight"),
                                real("learning-rate"),
                                flag("product"));
                    case "quantize gguf" -> new Parameters.Gguf(text("type"), tensorTypes(), partLimit());
                    case "quantize compressed-tensors" ->
                        new Parameters.CompressedTensors(text("scheme"), modules(), partSize());
                    case "quantize literature" -> literature();
                    case "quantize onnx" -> new Parameters.Onnx(text("type"));
                    case "benchmark quality" -> new Parameters.Quality(integer("sequences"), integer("length"));
                    case "benchmark speed" ->
                        new Parameters.Speed(integer("prompt-tokens"), integer("generated-tokens"), integer("pairs"));
                    default -> null;
                });
    }

    /** Null for a ranking that this version does not know. */
    private Parameters.@Nullable Neurons neurons() {
        double fraction = real("fraction");
        int multipleOf = integer("multiple-of");
        if (!values.containsKey(Parameters.Neurons.IMPORTANCE)) {
            return new Parameters.Neurons(fraction, multipleOf);
        }
        if (!text(Parameters.Neurons.IMPORTANCE).equals(Parameters.Neurons.BY_ACTIVATIONS)) {
            return null;
        }
        return new Parameters.Neurons(
                fraction,
                multipleOf,
                Optional.of(new Parameters.Neurons.Activations(
                        integer(Parameters.Neurons.SEQUENCES), integer(Parameters.Neurons.LENGTH))));
    }

    private Literature literature() {
        String scheme = text("scheme");
        Optional<Literature.Inputs> inputs = values.containsKey(Literature.INPUT_BITS)
                ? Optional.of(new Literature.Inputs(integer(Literature.INPUT_BITS), optional(Literature.INPUT_LEVELS)))
                : Optional.empty();
        return switch (scheme) {
            case "uniform" -> new Literature.Uniform(integer(Literature.BITS), optional(Literature.LEVELS), inputs);
            case "binary" -> new Literature.Binary(inputs);
            case "ternary" -> new Literature.Ternary(real(Literature.THRESHOLD), inputs);
            default -> Literature.of(scheme); // refused there, by its name
        };
    }

    private GgufTensorTypes tensorTypes() {
        return new GgufTensorTypes(
                values.containsKey("pure") && flag("pure"),
                optionalText("token-embedding-type"),
                optionalText("output-tensor-type"),
                texts("tensor-type").stream()
                        .map(GgufTensorTypes.PatternType::parse)
                        .toList());
    }

    private CompressedModules modules() {
        return new CompressedModules(
                texts(CompressedModules.BY_PATTERN).stream()
                        .map(CompressedModules.PatternScheme::parse)
                        .toList(),
                texts(CompressedModules.IGNORE));
    }

    private Optional<GgufPartLimit> partLimit() {
        if (values.containsKey(GgufPartLimit.SIZE) && values.containsKey(GgufPartLimit.TENSORS)) {
            throw new IllegalArgumentException(
                    "parameters '" + GgufPartLimit.SIZE + "' and '" + GgufPartLimit.TENSORS + "' exclude each other");
        }
        Optional<GgufPartLimit.Size> size = partSize();
        if (size.isPresent()) {
            return size.map(limit -> limit);
        }
        return values.containsKey(GgufPartLimit.TENSORS)
                ? Optional.of(new GgufPartLimit.Tensors(integer(GgufPartLimit.TENSORS)))
                : Optional.empty();
    }

    private Optional<GgufPartLimit.Size> partSize() {
        return values.containsKey(GgufPartLimit.SIZE)
                ? Optional.of(new GgufPartLimit.Size(
                        take(GgufPartLimit.SIZE, Number.class).longValue()))
                : Optional.empty();
    }

    private Optional<String> optionalText(String name) {
        return values.containsKey(name) ? Optional.of(text(name)) : Optional.empty();
    }

    private List<String> texts(String name) {
        if (!values.containsKey(name)) {
            return List.of();
        }
        List<String> texts = new ArrayList<>();
        for (Object item : take(name, List.class)) {
            if (!(item instanceof String text)) {
                throw new IllegalArgumentException("parameter '" + name + "' holds '" + item + "' but must hold texts");
            }
            texts.add(text);
        }
        return texts;
    }

    private OptionalDouble optional(String name) {
        return values.containsKey(name) ? OptionalDouble.of(real(name)) : OptionalDouble.empty();
    }

    private double real(String name) {
        return take(name, Number.class).doubleValue();
    }

    private int integer(String name) {
        return take(name, Integer.class);
    }

    private boolean flag(String name) {
        return take(name, Boolean.class);
    }

    private String text(String name) {
        return take(name, String.class);
    }

    private <T> T take(String name, Class<T> type) {
        taken.add(name);
        Object value = values.get(name);
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException("parameter '" + name + "' is '" + value + "' but must be of type "
                    + type.getSimpleName().toLowerCase(Locale.ROOT));
        }
        return type.cast(value);
    }
}
