package io.millrace.tensors.kernel.literature;

/**
 * The codes that there are: {@code lowest}, {@code lowest + step}, and so on.
 *
 * @param bits that tell them from each other
 */
public record CodeRange(int bits, int lowest, int step) {
    /** Which code of the range it is, counted from 0. */
    public int index(int code) {
        return (code - lowest) / step;
    }
}
