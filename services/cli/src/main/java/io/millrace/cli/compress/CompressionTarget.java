package io.millrace.cli.compress;

import io.millrace.events.Literature;
import io.millrace.events.Parameters.CompressedTensors;
import io.millrace.events.Parameters.Gguf;
import io.millrace.events.Parameters.Onnx;
import io.millrace.events.Parameters.Quantize;
import io.millrace.events.policy.Nearest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What to compress to, spelled {@code format:type}: all that a policy may ask for. */
public record CompressionTarget(Quantize parameters) {
    /** The formats, each with its types in order; a policy knows the same. */
    private static final List<List<Quantize>> FORMATS = List.of(
            format(Gguf.TYPES, Gguf::new),
            format(CompressedTensors.TYPES, CompressedTensors::new),
            format(Onnx.TYPES, Onnx::new),
            format(Literature.TYPES, Literature::of));

    private static List<Quantize> format(Set<String> types, Function<String, Quantize> parameters) {
        return new TreeSet<>(types).stream().map(parameters).toList();
    }

    /** Every target of this version. */
    public static List<CompressionTarget> all() {
        return FORMATS.stream()
                .flatMap(List::stream)
                .map(CompressionTarget::new)
                .toList();
    }

    /**
     * Reads a target; small and capital letters are the same.
     *
     * @throws IllegalArgumentException that lists what there is, and names the nearest
     */
    public static CompressionTarget parse(String text) {
        List<CompressionTarget> all = all();
        return all.stream()
                .filter(target -> target.toString().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("unknown target '" + text + "'" + nearest(text, all) + listed()));
    }

    /** {@code attn_v=q8_0} as {@code attn_v=Q8_0}: small and capital letters are the same in a type, not in its pattern. */
    public static String capitalsBehindPattern(String text) {
        int behind = text.lastIndexOf('=') + 1;
        return behind == 0
                ? text
                : text.substring(0, behind) + text.substring(behind).toUpperCase(Locale.ROOT);
    }

    /** Letters and digits alone decide first, and the format may be left out: {@code q4km} is {@code gguf:Q4_K_M}. */
    private static String nearest(String text, List<CompressionTarget> all) {
        Map<String, CompressionTarget> spelled = new LinkedHashMap<>();
        for (CompressionTarget target : all) {
            spelled.put(target.toString().toLowerCase(Locale.ROOT), target);
            spelled.putIfAbsent(target.parameters.type().toLowerCase(Locale.ROOT), target);
        }
        return spelled.keySet().stream()
                        .filter(spelling -> bare(spelling).equals(bare(text)))
                        .findFirst()
                        .or(() -> Nearest.to(text.toLowerCase(Locale.ROOT), spelled.keySet()))
                        .map(spelling -> ", did you mean '" + spelled.get(spelling) + "'?")
                        .orElse(".")
                + " There are ";
    }

    private static String bare(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    /** All targets by format, for people. */
    public static String listed() {
        return FORMATS.stream()
                .map(types -> types.getFirst().name() + ":"
                        + types.stream().map(Quantize::type).collect(Collectors.joining("|")))
                .collect(Collectors.joining(" and "));
    }

    /** A file name that says it: {@code gguf-Q4_K_M}. */
    public String folderName() {
        return parameters.name() + "-" + parameters.type();
    }

    @Override
    public String toString() {
        return parameters.name() + ":" + parameters.type();
    }
}
