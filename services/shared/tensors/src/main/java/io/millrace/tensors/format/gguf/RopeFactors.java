package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.ModelConfig.RopeScaling;
import java.util.ArrayList;
import java.util.List;

/**
 * Llama 3's rotary scaling as GGUF carries it: one divisor per rotary pair, 1 for short wavelengths, the factor for
 * long ones, smooth in between.
 */
final class RopeFactors {
    static final String TENSOR = "rope_freqs.weight";

    private RopeFactors() {}

    static List<Float> of(ModelConfig config, RopeScaling scaling) {
        List<Float> factors = new ArrayList<>();
        double longest = scaling.originalPositions() / scaling.lowFrequencyFactor();
        double shortest = scaling.originalPositions() / scaling.highFrequencyFactor();
        for (int i = 0; i < config.headSize() / 2; i++) {
            double wavelength = 2 * Math.PI * StrictMath.pow(config.ropeTheta(), 2.0 * i / config.headSize());
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
