package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Cosines and sines of every position, [positions, rotarySize / 2] each: pair i turns by position · base^(-2i / rotarySize),
 * scaled if the model says so. The attention operator looks them up.
 *
 * @param suffix sets the names of a second table apart
 */
record RotaryTable(String suffix, Rotary rotary, int rotarySize, int positions) {
    /** The tables of a model, one for each kind of rotation among its layers. */
    static List<RotaryTable> of(ModelConfig config) {
        List<Rotary> kinds = config.attention().stream()
                .flatMap(layer -> layer.rotary().stream())
                .distinct()
                .toList();
        return kinds.stream()
                .map(kind -> new RotaryTable(
                        kinds.indexOf(kind) == 0 ? "" : "_" + kinds.indexOf(kind),
                        kind,
                        config.rotarySize(),
                        config.maxPositions()))
                .toList();
    }

    /** Whether such a table has this name, here and in graphs of other makers. */
    static boolean isNamed(String constant) {
        return constant.startsWith("cos_cache") || constant.startsWith("sin_cache");
    }

    String cosines() {
        return "cos_cache" + suffix;
    }

    String sines() {
        return "sin_cache" + suffix;
    }

    /** Of both, a float for each pair. */
    long bytesPerPosition() {
        return 2L * (rotarySize / 2) * Float.BYTES;
    }

    /** Fills rows [from, to) of one of the two, from {@code values[0]} on. */
    void fill(boolean sine, long from, long to, float[] values) {
        double[] frequencies = frequencies();
        double factor = rotary.scaling().orElse(null) instanceof RopeScaling.Yarn yarn ? yarn.attentionFactor() : 1;
        int at = 0;
        for (long position = from; position < to; position++) {
            for (double frequency : frequencies) {
                double angle = position * frequency;
                // Not Math: the same bits on every machine.
                values[at++] = (float) (factor * (sine ? StrictMath.sin(angle) : StrictMath.cos(angle)));
            }
        }
    }

    /** True for long rope, which one table cannot say. */
    boolean dependsOnLength() {
        return rotary.scaling().orElse(null) instanceof RopeScaling.LongRope;
    }

    /** Holds the turns of position 1 in a file, which tell all others, against this table. */
    void require(boolean sine, OnnxFile file, ExternalTensor stored) throws MalformedFileException {
        if (dependsOnLength()) {
            throw new MalformedFileException(
                    file.name(),
                    -1,
                    "config.json says long rope, expected the turns of one table, '" + stored.name() + "'");
        }
        if (positions < 2) {
            return;
        }
        int pairs = rotarySize / 2;
        float[] expected = new float[pairs];
        fill(sine, 1, 2, expected);
        float[] found = new float[pairs];
        new WeightRows(file)
                .read(
                        new StoredWeight.Dense(stored, stored.shape().extent(0)),
                        pairs,
                        1,
                        2,
                        MemorySegment.ofArray(found));
        for (int i = 0; i < pairs; i++) {
            if (!(Math.abs(found[i] - expected[i]) <= tolerance(stored.type()))) {
                throw new MalformedFileException(
                        file.name(),
                        -1,
                        "'" + stored.name() + "'[1, " + i + "] is " + found[i] + ", expected " + expected[i]
                                + " by config.json");
            }
        }
    }

    private static double tolerance(ElementType type) {
        return type == ElementType.FLOAT ? 1e-5 : 1e-2;
    }

    double[] frequencies() {
        double[] frequencies = new double[rotarySize / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double plain = StrictMath.pow(rotary.base(), -2.0 * i / rotarySize);
            Optional<RopeScaling> scaling = rotary.scaling();
            frequencies[i] = scaling.isEmpty() ? plain : scaled(plain, i, scaling.get());
        }
        return frequencies;
    }

    private double scaled(double frequency, int pair, RopeScaling how) {
        return switch (how) {
            case RopeScaling.Linear(double factor) -> frequency / factor;
            case RopeScaling.Llama3 scaling -> scaling.scaled(frequency);
            case RopeScaling.Yarn yarn -> yarn.frequency(frequency, pair, rotarySize, rotary.base());
            case RopeScaling.LongRope _ -> throw new IllegalStateException("long rope is refused before");
        };
    }
}
