package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Random;
import java.util.function.Supplier;

/** A digest of what blocks of any bytes are as numbers; all NaNs count as one. */
public final class ReadingProbe implements Supplier<byte[]> {
    static final long SEED = 20261124;

    private static final int BLOCKS = 67;

    @Override
    public byte[] get() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (GgufType type : GgufType.values()) {
                for (float value : numbers(BlockDequantizer::dequantize, type)) {
                    digest.update(ByteBuffer.allocate(Float.BYTES)
                            .putFloat(value == value ? value : Float.NaN)
                            .flip());
                }
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    interface Kernel {
        void dequantize(GgufType type, byte[] blocks, int from, int elements, float[] values, int at);
    }

    /** The numbers of some blocks that begin inside the bytes and end with them. */
    static float[] numbers(Kernel kernel, GgufType type) {
        byte[] blocks = new byte[3 + BLOCKS * type.blockBytes()];
        new Random(SEED).nextBytes(blocks);
        int elements = BLOCKS * type.blockElements();
        float[] values = new float[5 + elements + 7];
        kernel.dequantize(type, blocks, 3, elements, values, 5);
        return values;
    }
}
