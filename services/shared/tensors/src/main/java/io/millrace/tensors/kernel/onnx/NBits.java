package io.millrace.tensors.kernel.onnx;

/**
 * Blocks of a row as ONNX Runtime's MatMulNBits and GatherBlockQuantized read them: weight = (code − zero point) · scale,
 * with one scale and zero point per block. A code takes 4 bits, the earlier of two in the low half of a byte, or a whole
 * byte. Where no zero point is stored it is the middle, 2^(bits − 1).
 *
 * @param bits 4 or 8
 * @param elements weights of a block
 */
public record NBits(int bits, int elements) {
    public NBits {
        if (bits != 4 && bits != 8) {
            throw new IllegalArgumentException("found codes of " + bits + " bits, expected 4 or 8");
        }
        if (elements < 2 || elements % 2 != 0) {
            throw new IllegalArgumentException("found blocks of " + elements + ", expected an even number");
        }
    }

    /** Bytes of a block's codes. */
    public int codeBytes() {
        return elements * bits / Byte.SIZE;
    }

    /** Blocks of a row, the last of which may be filled up. */
    public int blocks(long rowLength) {
        return Math.toIntExact(Math.ceilDiv(rowLength, elements));
    }

    /** The zero point where none is stored. */
    private float middle() {
        return 1 << (bits - 1);
    }

    /**
     * The weights that whole blocks stand for, each array from its first number on.
     *
     * @param count of the weights, a multiple of the block's
     */
    public void dequantize(byte[] codes, float[] scales, int count, float[] weights) {
        for (int block = 0; block < count / elements; block++) {
            dequantize(codes, block, scales[block], middle(), weights);
        }
    }

    /**
     * Likewise with stored zero points.
     *
     * @param zeroPoints one per block
     */
    public void dequantize(byte[] codes, float[] scales, float[] zeroPoints, int count, float[] weights) {
        for (int block = 0; block < count / elements; block++) {
            dequantize(codes, block, scales[block], zeroPoints[block], weights);
        }
    }

    private void dequantize(byte[] codes, int block, float scale, float zeroPoint, float[] weights) {
        int from = block * codeBytes();
        int to = block * elements;
        if (bits == 4) {
            for (int i = 0; i < elements / 2; i++) {
                int pair = codes[from + i];
                weights[to + 2 * i] = ((pair & 15) - zeroPoint) * scale;
                weights[to + 2 * i + 1] = ((pair >> 4 & 15) - zeroPoint) * scale;
            }
        } else {
            for (int i = 0; i < elements; i++) {
                weights[to + i] = ((codes[from + i] & 0xff) - zeroPoint) * scale;
            }
        }
    }

    /**
     * Zero points of rows as they are packed: those of a row in whole bytes, the earlier of two in the low half of a byte.
     *
     * @param packed rows of {@link #zeroPointBytes} bytes
     * @param blocks of a row
     */
    public float[] zeroPoints(byte[] packed, int rows, int blocks) {
        float[] zeroPoints = new float[Math.multiplyExact(rows, blocks)];
        for (int row = 0; row < rows; row++) {
            for (int block = 0; block < blocks; block++) {
                int pair = packed[row * zeroPointBytes(blocks) + block * bits / Byte.SIZE];
                int shift = bits == 4 ? (block & 1) * 4 : 0;
                zeroPoints[row * blocks + block] = pair >> shift & ((1 << bits) - 1);
            }
        }
        return zeroPoints;
    }

    /** Bytes of the zero points of a row of this many blocks. */
    public int zeroPointBytes(int blocks) {
        return Math.ceilDiv(blocks * bits, Byte.SIZE);
    }
}
