package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Rotary scaling as GGUF carries it where no key can: one divisor per rotary pair. Llama 3's is 1 for short wavelengths,
 * the factor for long ones, smooth in between; long rope states its divisors.
 */
final class RopeFactors {
    static final String LLAMA_3 = "rope_freqs.weight";
    static final String LONG = "rope_factors_long.weight";
    static final String SHORT = "rope_factors_short.weight";

    private RopeFactors() {}

    /** The tensors of a model's scaling, by name; none where keys or nothing say it. */
    static Map<String, List<Float>> of(ModelConfig config) {
        Map<String, List<Float>> tensors = new LinkedHashMap<>();
        if (config.ropeScaling().isPresent()) {
            switch (config.ropeScaling().get()) {
                case RopeScaling.Llama3 scaling -> tensors.put(LLAMA_3, llama3(config, scaling));
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

    private static List<Float> llama3(ModelConfig config, RopeScaling.Llama3 scaling) {
        List<Float> factors = new ArrayList<>();
        double longest = scaling.originalPositions() / scaling.lowFrequencyFactor();
        double shortest = scaling.originalPositions() / scaling.highFrequencyFactor();
        for (int i = 0; i < config.rotarySize() / 2; i++) {
            double wavelength = 2 * Math.PI * StrictMath.pow(config.ropeTheta(), 2.0 * i / config.rotarySize());
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
