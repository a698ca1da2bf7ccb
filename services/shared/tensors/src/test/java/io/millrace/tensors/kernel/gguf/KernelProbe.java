package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.function.Supplier;

/** A digest of what the fast kernels make of every kind of row, odd numbers of blocks included. */
public final class KernelProbe implements Supplier<byte[]> {
    static final long SEED = 20261124;

    @Override
    public byte[] get() {
        return digest(BlockQuantizer::quantize, BlockQuantizer::quantize);
    }

    interface Kernel {
        void quantize(GgufType type, float[] values, int from, int elements, byte[] target, int at);
    }

    interface WeightedKernel {
        void quantize(
                GgufType type,
                float[] values,
                int from,
                int elements,
                float[] importance,
                int importanceFrom,
                byte[] target,
                int at);
    }

    static byte[] digest(Kernel kernel, WeightedKernel weighted) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            float[] importance = Rows.goldenImportance();
            for (float[] rows : Rows.kinds(SEED, 3).values()) {
                for (GgufType type : GgufType.values()) {
                    for (int elements = rows.length; elements > rows.length - 512; elements -= 256) {
                        byte[] bytes = new byte[(int) type.rowBytes(elements)];
                        kernel.quantize(type, rows, 0, elements, bytes, 0);
                        digest.update(bytes);
                    }
                    for (int from = 0; from <= 256; from += 256) {
                        byte[] bytes = new byte[(int) type.rowBytes(Rows.LENGTH - from)];
                        weighted.quantize(type, rows, from, Rows.LENGTH - from, importance, from, bytes, 0);
                        digest.update(bytes);
                    }
                }
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
