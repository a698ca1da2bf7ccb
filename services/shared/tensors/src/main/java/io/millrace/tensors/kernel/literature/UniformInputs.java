package io.millrace.tensors.kernel.literature;

import io.millrace.tensors.kernel.pack.InputRounding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalDouble;

/**
 * Rounds the inputs of a linear map on one {@link UniformGrid} for the whole tensor: all tokens that go through the map
 * together.
 *
 * @param levels Q; empty for the one that fits the largest number of the tensor
 */
public record UniformInputs(int bits, OptionalDouble levels) implements InputRounding {
    public UniformInputs {
        // Refuses what is no grid.
        new UniformGrid(bits, (float) levels.orElse(1));
    }

    @Override
    public boolean spansTokens() {
        return levels.isEmpty();
    }

    @Override
    public InputRounding spanning(float largestMagnitude) {
        return new UniformInputs(
                bits,
                OptionalDouble.of(UniformGrid.fitted(bits, largestMagnitude).levels()));
    }

    /** Whoever measures looks for numbers that are none; a code would hide them, so they stay as they are. */
    @Override
    public void round(MemorySegment inputs, long tokens, long length) {
        if (levels.isEmpty()) {
            throw new IllegalStateException("inputs were to be rounded before their largest was known");
        }
        UniformGrid grid = new UniformGrid(bits, (float) levels.getAsDouble());
        float scale = grid.scale();
        for (long i = 0; i < tokens * length; i++) {
            float number = inputs.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES);
            if (Float.isFinite(number)) {
                inputs.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES, grid.code(number) * scale);
            }
        }
    }
}
