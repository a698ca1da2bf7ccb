package io.millrace.tensors.kernel.pack;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rounds each token, or each group of a token's numbers, by its own largest magnitude, so that nothing needs to be
 * stored. The rules are those of compressed-tensors for dynamic inputs.
 *
 * @param code INT8 or E4M3 with an F32 scale; E2M1 with a power of two as scale ({@link PowerOfTwoScale})
 * @param groupSize numbers that share a scale; 0 for a whole token
 * @param reach the magnitude in units of the scale that the largest number becomes, where the scale is no power of two
 */
public record DynamicRounding(Code code, int groupSize, float reach) implements InputRounding {
    /** The scale of numbers that are all zero. */
    private static final float EPSILON = 0x1p-23f;

    public DynamicRounding {
        if (code == Code.INT4 || groupSize < 0) {
            throw new IllegalArgumentException("found inputs of " + code + " in groups of " + groupSize
                    + ", expected INT8, E4M3 or E2M1 in groups of 0 or more");
        }
    }

    /** With the reach of the code. */
    public DynamicRounding(Code code, int groupSize) {
        this(code, groupSize, code.reach());
    }

    @Override
    public void round(MemorySegment inputs, long tokens, long length) {
        long size = groupSize == 0 ? length : groupSize;
        if (length % size != 0) {
            throw new IllegalArgumentException(
                    "inputs have " + length + " numbers per token, expected a multiple of " + size);
        }
        float[] group = new float[Math.toIntExact(size)];
        for (long first = 0; first < tokens * length; first += size) {
            MemorySegment.copy(inputs, ValueLayout.JAVA_FLOAT_UNALIGNED, first * Float.BYTES, group, 0, group.length);
            roundGroup(group);
            MemorySegment.copy(group, 0, inputs, ValueLayout.JAVA_FLOAT_UNALIGNED, first * Float.BYTES, group.length);
        }
    }

    private void roundGroup(float[] group) {
        float largest = 0;
        for (float number : group) {
            largest = Math.max(largest, Math.abs(number));
        }
        if (!Float.isFinite(largest)) {
            // Whoever measures looks for numbers that are none; a code would hide them.
            return;
        }
        float scale = scale(largest);
        for (int i = 0; i < group.length; i++) {
            group[i] = code.value(code.of(group[i] / scale)) * scale;
        }
    }

    private float scale(float largest) {
        if (code == Code.E2M1) {
            return PowerOfTwoScale.value(PowerOfTwoScale.of(largest));
        }
        float scale = largest / reach;
        return scale == 0 ? EPSILON : scale;
    }
}
