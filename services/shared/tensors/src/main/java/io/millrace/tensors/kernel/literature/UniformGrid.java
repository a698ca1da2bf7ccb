package io.millrace.tensors.kernel.literature;

/**
 * Uniform quantization with one scale: the code of x is round(x * Q), half to even, cut off at ±(2^(bits - 1) - 1), and
 * stands for code * (1 / Q). The range is symmetric, so that 0 stays 0 and no sign is favoured (Krishnamoorthi,
 * "Quantizing deep convolutional networks for efficient inference: A whitepaper", arXiv:1806.08342).
 *
 * @param bits of a code, {@value #LEAST_BITS} to {@value #MOST_BITS}
 * @param levels Q: how many codes there are per unit
 */
public record UniformGrid(int bits, float levels) implements RowRounding {
    public static final int LEAST_BITS = 2;
    public static final int MOST_BITS = 8;

    public UniformGrid {
        if (bits < LEAST_BITS || bits > MOST_BITS) {
            throw new IllegalArgumentException(
                    "found codes of " + bits + " bits, expected " + LEAST_BITS + " to " + MOST_BITS);
        }
        if (!(levels > 0) || !Float.isFinite(levels) || !Float.isFinite(1 / levels)) {
            throw new IllegalArgumentException(
                    "found " + levels + " levels per unit, expected a number above 0 whose reciprocal is finite");
        }
    }

    /** The grid on which numbers up to this magnitude take all codes; any grid for numbers that are all 0. */
    public static UniformGrid fitted(int bits, float largestMagnitude) {
        return near(bits, (double) (reach(bits) / largestMagnitude));
    }

    /** The grid of so many levels, or of the nearest number that is one: beyond the largest if all numbers are nearly 0. */
    static UniformGrid near(int bits, double levels) {
        return new UniformGrid(bits, Math.clamp((float) levels, 0x1p-126f, 0x1p126f));
    }

    private static int reach(int bits) {
        return (1 << (bits - 1)) - 1;
    }

    @Override
    public CodeRange range() {
        return new CodeRange(bits, -reach(bits), 1);
    }

    public float scale() {
        return 1 / levels;
    }

    int code(float number) {
        return Math.clamp((int) Math.rint(number * levels), -reach(bits), reach(bits));
    }

    @Override
    public float round(float[] weights, int from, int length, byte[] codes) {
        for (int i = from; i < from + length; i++) {
            codes[i] = (byte) code(weights[i]);
        }
        return scale();
    }
}
