package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import java.util.Optional;

/** The element types of tensors that this version writes and reads, by {@code TensorProto.DataType}. */
enum ElementType {
    FLOAT(1, 32),
    UINT8(2, 8),
    INT32(6, 32),
    INT64(7, 64),
    FLOAT16(10, 16),
    BFLOAT16(16, 16),
    /** Two in a byte across the ends of rows, the earlier in its low half. */
    UINT4(21, 4),
    /** Likewise, in two's complement. */
    INT4(22, 4);

    private final int id;
    private final int bits;

    ElementType(int id, int bits) {
        this.id = id;
        this.bits = bits;
    }

    int id() {
        return id;
    }

    /** Bits per element. */
    int bits() {
        return bits;
    }

    /** Bytes per element of a type that has whole ones. */
    int bytes() {
        return bits / Byte.SIZE;
    }

    /** Bytes of so many elements. */
    long byteSize(long elements) {
        return Math.ceilDiv(Math.multiplyExact(elements, (long) bits), Byte.SIZE);
    }

    static Optional<ElementType> of(long id) {
        for (ElementType type : values()) {
            if (type.id == id) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** The type of dense weights. */
    static ElementType of(DType type) {
        return switch (type) {
            case F32 -> FLOAT;
            case F16 -> FLOAT16;
            case BF16 -> BFLOAT16;
            case F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL ->
                throw new IllegalArgumentException(type + " is not a type of weights, expected F32, F16 or BF16");
        };
    }

    /** How the same elements, or the bytes that hold them, are called elsewhere. */
    DType dtype() {
        return switch (this) {
            case FLOAT -> DType.F32;
            case UINT8, UINT4, INT4 -> DType.U8;
            case INT32 -> DType.I32;
            case INT64 -> DType.I64;
            case FLOAT16 -> DType.F16;
            case BFLOAT16 -> DType.BF16;
        };
    }
}
