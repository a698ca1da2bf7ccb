package io.millrace.tensors.kernel.gguf;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Rows of 512 numbers on which quantizers are compared. */
final class Rows {
    static final int LENGTH = 512;

    private Rows() {}

    /** The pseudo-random row of the golden vectors. */
    static float[] golden() {
        float[] x = new float[LENGTH];
        int state = 1;
        for (int i = 0; i < LENGTH; i++) {
            state = state * 1664525 + 1013904223;
            x[i] = ((state >>> 8 & 0xffff) - 32768) / 32768f;
        }
        return x;
    }

    /** The importances of the golden vectors. */
    static float[] goldenImportance() {
        float[] q = new float[LENGTH];
        int state = 2;
        for (int i = 0; i < LENGTH; i++) {
            state = state * 1664525 + 1013904223;
            q[i] = ((state >>> 8 & 0xffff) + 1) / 65536f;
        }
        return q;
    }

    /** Kinds of importances of {@link #LENGTH} columns, no sub-block of which is all zero. */
    static Map<String, float[]> importances(long seed) {
        Random random = new Random(seed);
        Map<String, float[]> kinds = new LinkedHashMap<>();
        kinds.put("golden", goldenImportance());
        kinds.put("ones", fill(LENGTH, () -> 1));
        kinds.put("a few strong columns", fill(LENGTH, () -> StrictMath.exp(3 * random.nextGaussian())));
        float[] holes = fill(LENGTH, () -> random.nextInt(3) == 0 ? random.nextDouble() : 0);
        for (int i = 0; i < LENGTH; i += 16) {
            holes[i + random.nextInt(16)] = 0.5f;
        }
        kinds.put("two thirds unused", holes);
        return kinds;
    }

    /** Every kind of row that a checkpoint may hold, finite throughout, each {@code rows} rows long. */
    static Map<String, float[]> kinds(long seed, int rows) {
        Random random = new Random(seed);
        Map<String, float[]> kinds = new LinkedHashMap<>();
        int n = LENGTH * rows;
        kinds.put("golden", golden());
        kinds.put("gaussian", fill(n, () -> 0.02 * random.nextGaussian()));
        kinds.put(
                "bfloat16",
                fill(
                        n,
                        () -> Float.intBitsToFloat(
                                Float.floatToRawIntBits((float) (0.05 * random.nextGaussian())) & 0xffff0000)));
        kinds.put("heavy tails", fill(n, () -> random.nextGaussian() / Math.abs(random.nextGaussian() + 1e-3)));
        kinds.put("uniform", fill(n, () -> random.nextDouble() * 2 - 1));
        kinds.put("positive", fill(n, random::nextDouble));
        kinds.put("negative", fill(n, () -> -random.nextDouble()));
        kinds.put("sparse", fill(n, () -> random.nextInt(10) < 7 ? 0 : random.nextGaussian()));
        kinds.put("two values", fill(n, () -> random.nextBoolean() ? 0.5 : -0.25));
        kinds.put("integers", fill(n, () -> random.nextInt(7) - 3));
        kinds.put("near constant", fill(n, () -> 1 + 1e-6 * random.nextGaussian()));
        kinds.put("constant", fill(n, () -> 0.3));
        kinds.put("negative constant", fill(n, () -> -0.3));
        kinds.put("zeros", fill(n, () -> 0));
        kinds.put("negative zeros", fill(n, () -> random.nextBoolean() ? -0.0 : 0.0));
        kinds.put("tiny", fill(n, () -> 1e-12 * random.nextGaussian()));
        kinds.put("below the threshold", fill(n, () -> 1e-20 * random.nextGaussian()));
        kinds.put("denormal", fill(n, () -> 1e-41 * random.nextGaussian()));
        kinds.put("large", fill(n, () -> 1e6 * random.nextGaussian()));
        kinds.put("huge", fill(n, () -> 1e30 * random.nextGaussian()));
        kinds.put("one outlier", fill(n, () -> random.nextInt(100) == 0 ? 50 : 0.01 * random.nextGaussian()));
        kinds.put("wide range", fill(n, () -> StrictMath.exp(20 * random.nextGaussian())));
        kinds.put("ladder", fill(n, () -> (random.nextInt(255) - 127) / 127.0));
        return kinds;
    }

    private static float[] fill(int n, java.util.function.DoubleSupplier next) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) next.getAsDouble();
        }
        return x;
    }
}
