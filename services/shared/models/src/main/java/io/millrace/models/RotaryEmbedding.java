package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import io.millrace.tensors.architecture.RopeScaling;

/**
 * Rotary position embedding in the order of Hugging Face checkpoints: element i of a head is paired with element
 * i + rotarySize/2 ("half split"), and the pair turns by position · frequency(i). Elements from {@code rotarySize} on stay.
 */
final class RotaryEmbedding {
    private final int rotarySize;
    private final Rotary rotary;

    RotaryEmbedding(int rotarySize, Rotary rotary) {
        this.rotarySize = rotarySize;
        this.rotary = rotary;
    }

    /**
     * Angle per position for each pair, [rotarySize / 2]: base^(-2i / rotarySize), scaled if asked.
     *
     * @param context tokens that the whole sequence may reach: long rope has other divisors for long ones
     */
    double[] frequencies(int context) {
        double[] frequencies = new double[rotarySize / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double plain = Math.pow(rotary.base(), -2.0 * i / rotarySize);
            frequencies[i] = rotary.scaling().isEmpty()
                    ? plain
                    : scale(plain, i, context, rotary.scaling().get());
        }
        return frequencies;
    }

    private double scale(double frequency, int pair, int context, RopeScaling how) {
        return switch (how) {
            case RopeScaling.Llama3 scaling -> scaling.scaled(frequency);
            case RopeScaling.Yarn yarn -> yarn.frequency(frequency, pair, rotarySize, rotary.base());
            case RopeScaling.Linear(double factor) -> frequency / factor;
            case RopeScaling.LongRope scaling ->
                frequency
                        / (context > scaling.originalPositions() ? scaling.longFactors() : scaling.shortFactors())
                                .get(pair);
        };
    }

    /**
     * Cosines and sines of positions [from, from + length), both [length, rotarySize]. The sign of the rotation is folded
     * into the sine: the first half is negative.
     */
    Angles angles(NDManager scope, int from, int length, int context) {
        float[] cosines = new float[Math.multiplyExact(length, rotarySize)];
        float[] sines = new float[cosines.length];
        int half = rotarySize / 2;
        double[] frequencies = frequencies(context);
        double factor = attentionFactor();
        for (int t = 0; t < length; t++) {
            for (int i = 0; i < half; i++) {
                double angle = (from + t) * frequencies[i];
                int at = t * rotarySize + i;
                cosines[at] = cosines[at + half] = (float) (factor * Math.cos(angle));
                sines[at + half] = (float) (factor * Math.sin(angle));
                sines[at] = -sines[at + half];
            }
        }
        Shape shape = new Shape(length, rotarySize);
        return new Angles(scope.create(cosines, shape), scope.create(sines, shape));
    }

    private double attentionFactor() {
        return switch (rotary.scaling().orElse(null)) {
            case RopeScaling.LongRope longRope -> longRope.attentionFactor();
            case RopeScaling.Yarn yarn -> yarn.attentionFactor();
            case RopeScaling.Llama3 _, RopeScaling.Linear _ -> 1;
            case null -> 1;
        };
    }

    record Angles(NDArray cosine, NDArray sine) {
        /** Turns x [batch, heads, length, headSize] as far as there are angles. */
        NDArray rotate(NDArray x) {
            long size = cosine.getShape().get(1);
            if (x.getShape().get(3) == size) {
                return turned(x);
            }
            NDList parts = x.split(new long[] {size}, 3);
            return turned(parts.get(0)).concat(parts.get(1), 3);
        }

        private NDArray turned(NDArray x) {
            NDList halves = x.split(2, 3);
            NDArray swapped = halves.get(1).concat(halves.get(0), 3);
            return x.mul(cosine).add(swapped.mul(sine));
        }
    }
}
