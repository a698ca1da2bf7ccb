package io.millrace.tensors.format.onnx;

import java.util.Arrays;
import java.util.Locale;

/**
 * How a graph holds the matrices of linear modules: whole numbers in blocks of 32, each with an F32 scale.
 *
 * <p>The accuracy level is written into every MatMulNBits node. INT4 takes 1: inputs stay F32, so that what runs is what
 * the benchmark measured. INT8 takes 4, which rounds inputs to 8 bits per block: ONNX Runtime 1.32 has no other kernel
 * for 8-bit weights on processors, and without it unpacks the whole matrix for each token (565 ms instead of 3.6 ms for
 * [16384, 2048] on one core).
 */
public enum OnnxType {
    INT4(4, 1),
    INT8(8, 4);

    /** The level at which MatMulNBits rounds its input to 8 bits. */
    static final int INPUTS_ROUNDED = 4;

    private final int bits;
    private final int accuracyLevel;

    OnnxType(int bits, int accuracyLevel) {
        this.bits = bits;
        this.accuracyLevel = accuracyLevel;
    }

    int bits() {
        return bits;
    }

    int accuracyLevel() {
        return accuracyLevel;
    }

    /** Spelled {@code int4} in policies and commands. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The type of this spelling; {@link IllegalArgumentException} if there is none. */
    public static OnnxType of(String code) {
        return Arrays.stream(values())
                .filter(type -> type.code().equals(code))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown ONNX type '" + code + "', expected one of "
                        + Arrays.stream(values()).map(OnnxType::code).toList()));
    }
}
