package io.millrace.tensors.kernel.literature;

/**
 * Binary weights: the sign of each, times the mean magnitude of its row, which is the scale of least squared error for
 * signs. The sign of 0 is +1. (Rastegari et al., "XNOR-Net: ImageNet classification using binary convolutional neural
 * networks", ECCV 2016, arXiv:1603.05279.)
 */
public record SignRows() implements RowRounding {
    @Override
    public CodeRange range() {
        return new CodeRange(1, -1, 2);
    }

    @Override
    public float round(float[] weights, int from, int length, byte[] codes) {
        for (int i = from; i < from + length; i++) {
            codes[i] = (byte) (weights[i] < 0 ? -1 : 1);
        }
        return (float) meanMagnitude(weights, from, length);
    }

    /** 0 for an empty row; added from front to back. */
    static double meanMagnitude(float[] weights, int from, int length) {
        double sum = 0;
        for (int i = from; i < from + length; i++) {
            sum += Math.abs(weights[i]);
        }
        return length == 0 ? 0 : sum / length;
    }
}
