package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Rotary scaling as GGUF carries it where no key can: one divisor per rotary pair. Llama 3's is 1 for short wavelengths,
 * the factor for long ones, smooth in between; long rope states its divisors.
 */
final class RopeFactors {
    static final String LLAMA_3 = "rope_freqs.weight";
    static final String LONG = "rope_factors_long.weight";
    static final String SHORT = "rope_factors_short.weight";

    static final double LOW = 1;
    static final double HIGH = 4;
    static final int FEWEST_POSITIONS = 1 << 10;
    static final int MOST_POSITIONS = 1 << 17;

    /** The converter computes frequencies in F32. */
    private static final double TOLERANCE = 1e-5;

    private RopeFactors() {}

    /** The tensors of a model's scaling, by name; none where keys or nothing say it. */
    static Map<String, List<Float>> of(ModelConfig config) {
        Map<String, List<Float>> tensors = new LinkedHashMap<>();
        if (config.ropeScaling().isPresent()) {
            switch (config.ropeScaling().get()) {
                case RopeScaling.Llama3 scaling ->
                    tensors.put(LLAMA_3, llama3(scaling, config.ropeTheta(), config.rotarySize()));
                case RopeScaling.LongRope scaling -> {
                    tensors.put(LONG, floats(scaling.longFactors()));
                    tensors.put(SHORT, floats(scaling.shortFactors()));
                }
                case RopeScaling.Linear _, RopeScaling.Yarn _ -> {}
            }
        }
        return tensors;
    }

    private static List<Float> floats(List<Double> numbers) {
        return numbers.stream().map(Double::floatValue).toList();
    }

    /**
     * The rule that made such divisors, which a file of llama.cpp's converter does not state: the factor is the largest,
     * and of the other numbers those are tried that models were released with. Several contexts may give the same
     * divisors, and then the same angles.
     */
    static Optional<RopeScaling.Llama3> llama3(List<Float> divisors, double base, long rotarySize) {
        if (divisors.isEmpty() || divisors.size() != rotarySize / 2) {
            return Optional.empty();
        }
        double factor = divisors.stream().mapToDouble(Float::doubleValue).max().orElse(Double.NaN);
        for (int original = FEWEST_POSITIONS; original <= MOST_POSITIONS; original *= 2) {
            RopeScaling.Llama3 scaling = new RopeScaling.Llama3(factor, LOW, HIGH, original);
            if (near(llama3(scaling, base, (int) rotarySize), divisors)) {
                return Optional.of(scaling);
            }
        }
        return Optional.empty();
    }

    private static boolean near(List<Float> expected, List<Float> found) {
        return IntStream.range(0, expected.size())
                .allMatch(i -> Math.abs(found.get(i) - expected.get(i)) <= expected.get(i) * TOLERANCE);
    }

    private static List<Float> llama3(RopeScaling.Llama3 scaling, double base, int rotarySize) {
        List<Float> factors = new ArrayList<>();
        double longest = scaling.originalPositions() / scaling.lowFrequencyFactor();
        double shortest = scaling.originalPositions() / scaling.highFrequencyFactor();
        for (int i = 0; i < rotarySize / 2; i++) {
            double wavelength = 2 * Math.PI * StrictMath.pow(base, 2.0 * i / rotarySize);
            double factor;
            if (wavelength < shortest) {
                factor = 1;
            } else if (wavelength > longest) {
                factor = scaling.factor();
            } else {
                double smooth = (scaling.originalPositions() / wavelength - scaling.lowFrequencyFactor())
                        / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
                factor = 1 / ((1 - smooth) / scaling.factor() + smooth);
            }
            factors.add((float) factor);
        }
        return factors;
    }
}
