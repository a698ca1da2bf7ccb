package io.millrace.events;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeSet;

/**
 * How a GGUF file departs from its file type's own mixture of tensor types.
 *
 * @param pure every matrix of the file type's base type, unless said otherwise below
 * @param embedding type of the token embedding
 * @param output type of the head
 * @param byPattern types of other tensors, by what their GGUF names contain; the first that fits counts
 */
public record GgufTensorTypes(
        boolean pure, Optional<String> embedding, Optional<String> output, List<PatternType> byPattern) {
    /** The file type's own mixture. */
    public static final GgufTensorTypes OF_FILE_TYPE =
            new GgufTensorTypes(false, Optional.empty(), Optional.empty(), List.of());

    /** Types of a single tensor. */
    public static final Set<String> TYPES = Set.of(
            "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
            "IQ4_NL", "IQ4_XS", "TQ2_0", "MXFP4");

    static final String PURE = "pure";
    static final String EMBEDDING = "token-embedding-type";
    static final String OUTPUT = "output-tensor-type";
    static final String BY_PATTERN = "tensor-type";

    private static final int PATTERNS_SHOWN = 3;
    private static final int MOST_PATTERNS = 256;

    /**
     * Tensors whose GGUF name the pattern is found in get the type.
     *
     * @param pattern a regular expression, such as {@code attn_v|ffn_down}
     */
    public record PatternType(String pattern, String type) {
        public PatternType {
            requireKnown(type);
            Require.pattern("tensor names", pattern, "attn_v|ffn_down");
        }

        /** Reads {@link #toString}: the type is behind the last {@code =}, since a pattern may hold some. */
        public static PatternType parse(String text) {
            int equals = text.lastIndexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException("'" + text + "' is not PATTERN=TYPE, such as attn_v=Q8_0");
            }
            return new PatternType(text.substring(0, equals), text.substring(equals + 1));
        }

        @Override
        public String toString() {
            return pattern + "=" + type;
        }
    }

    public GgufTensorTypes {
        byPattern = List.copyOf(byPattern);
        embedding.ifPresent(GgufTensorTypes::requireKnown);
        output.ifPresent(GgufTensorTypes::requireKnown);
        if (byPattern.size() > MOST_PATTERNS) {
            throw new IllegalArgumentException(
                    byPattern.size() + " patterns of tensor names, expected at most " + MOST_PATTERNS);
        }
    }

    /** What is asked for is written, what is not leaves no trace: the keys of older jobs stay as they are. */
    void describe(SortedMap<String, Object> values) {
        if (pure) {
            values.put(PURE, true);
        }
        embedding.ifPresent(type -> values.put(EMBEDDING, type));
        output.ifPresent(type -> values.put(OUTPUT, type));
        if (!byPattern.isEmpty()) {
            values.put(BY_PATTERN, byPattern.stream().map(PatternType::toString).toList());
        }
    }

    /** For people: {@code , pure, head Q8_0}; empty if nothing departs. */
    String summary() {
        StringJoiner summary = new StringJoiner(", ", ", ", "").setEmptyValue("");
        if (pure) {
            summary.add("pure");
        }
        embedding.ifPresent(type -> summary.add("embedding " + type));
        output.ifPresent(type -> summary.add("head " + type));
        if (byPattern.size() <= PATTERNS_SHOWN) {
            byPattern.forEach(override -> summary.add(override.toString()));
        } else {
            summary.add(byPattern.size() + " tensor types");
        }
        return summary.toString();
    }

    private static void requireKnown(String type) {
        if (!TYPES.contains(type)) {
            throw new IllegalArgumentException(
                    "unknown tensor type '" + type + "'; known: " + String.join(", ", new TreeSet<>(TYPES)));
        }
    }
}
