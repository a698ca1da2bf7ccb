package io.millrace.events;

import io.millrace.events.Parameters.Quantize;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A scheme of the literature, for those who study it: a dense Hugging Face folder of the dequantized values with their
 * codes beside it. No engine computes with the codes; quality is measured on the values.
 */
public sealed interface Literature extends Quantize {
    String FORMAT = "literature";

    String UNTIMED = "no runtime executes the codes of a scheme of the literature; its dense values take as long"
            + " as the original's";

    /** Schemes that this version writes. */
    Set<String> TYPES = Set.of("uniform", "binary", "ternary");

    String BITS = "bits";
    String LEVELS = "levels";
    String THRESHOLD = "threshold";
    String INPUT_BITS = "input-bits";
    String INPUT_LEVELS = "input-levels";

    int USUAL_BITS = 8;
    double USUAL_THRESHOLD = 0.7;

    /** How the benchmark rounds what goes into linear modules; empty if it does not. */
    Optional<Inputs> inputs();

    /** A scheme with nothing said but its name. */
    static Literature of(String type) {
        return of(type, USUAL_BITS, OptionalDouble.empty(), USUAL_THRESHOLD, Optional.empty());
    }

    /** A scheme with those of the parameters that it has. */
    static Literature of(String type, int bits, OptionalDouble levels, double threshold, Optional<Inputs> inputs) {
        Require.known("scheme of the literature", type, TYPES);
        return switch (type) {
            case "uniform" -> new Uniform(bits, levels, inputs);
            case "binary" -> new Binary(inputs);
            default -> new Ternary(threshold, inputs);
        };
    }

    /** As of {@link Parameters.CompressedTensors}. */
    @Override
    default int version() {
        return 4;
    }

    @Override
    default String name() {
        return FORMAT;
    }

    @Override
    default Optional<String> untimed() {
        return Optional.of(UNTIMED);
    }

    @Override
    default int rowMultiple() {
        return 1;
    }

    @Override
    default SortedMap<String, Object> values() {
        SortedMap<String, Object> values = new TreeMap<>();
        values.put("scheme", type());
        inputs().ifPresent(inputs -> {
            values.put(INPUT_BITS, inputs.bits());
            inputs.levels().ifPresent(levels -> values.put(INPUT_LEVELS, levels));
        });
        return values;
    }

    @Override
    default String summary() {
        return name() + " " + type()
                + inputs().map(inputs -> ", inputs of " + inputs.bits() + " bits")
                        .orElse("");
    }

    /**
     * Uniform rounding with one scale per tensor.
     *
     * @param levels Q of round(x * Q); empty for the one that fits the tensor's largest number
     */
    record Inputs(int bits, OptionalDouble levels) {
        public Inputs {
            requireGrid(INPUT_BITS, bits, INPUT_LEVELS, levels);
        }
    }

    /**
     * round(w * Q), one scale per matrix.
     *
     * @param levels Q; empty for the one of least squared error for each matrix
     */
    record Uniform(int bits, OptionalDouble levels, Optional<Inputs> inputs) implements Literature {
        public Uniform {
            requireGrid(BITS, bits, LEVELS, levels);
        }

        @Override
        public String type() {
            return "uniform";
        }

        @Override
        public SortedMap<String, Object> values() {
            SortedMap<String, Object> values = Literature.super.values();
            values.put(BITS, bits);
            levels.ifPresent(given -> values.put(LEVELS, given));
            return values;
        }

        @Override
        public String summary() {
            return Literature.super.summary().replaceFirst("uniform", "uniform, " + bits + " bits");
        }
    }

    /** The sign of each weight times the mean magnitude of its row. */
    record Binary(Optional<Inputs> inputs) implements Literature {
        @Override
        public String type() {
            return "binary";
        }
    }

    /**
     * -1, 0 or 1 times the mean magnitude of the row's larger weights.
     *
     * @param threshold weights up to it times the row's mean magnitude become 0
     */
    record Ternary(double threshold, Optional<Inputs> inputs) implements Literature {
        public Ternary {
            Require.between(THRESHOLD, threshold, 0, 100);
        }

        @Override
        public String type() {
            return "ternary";
        }

        @Override
        public SortedMap<String, Object> values() {
            SortedMap<String, Object> values = Literature.super.values();
            values.put(THRESHOLD, threshold);
            return values;
        }
    }

    private static void requireGrid(String bitsName, int bits, String levelsName, OptionalDouble levels) {
        Require.between(bitsName, bits, 2, 8);
        levels.ifPresent(given -> Require.between(levelsName, given, 1e-30, 1e30));
    }
}
