package io.millrace.tensors.kernel.literature;

/** Turns rows of finite weights into codes and a scale each: what a weight becomes is code * scale. */
public sealed interface RowRounding permits UniformGrid, SignRows, ThresholdRows {
    CodeRange range();

    /**
     * Rounds a row.
     *
     * @param weights f32; the row is [from, from + length)
     * @param codes its codes go to the same places
     * @return its scale
     */
    float round(float[] weights, int from, int length, byte[] codes);
}
