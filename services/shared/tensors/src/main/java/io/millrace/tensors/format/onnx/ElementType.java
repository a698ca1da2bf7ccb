package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import java.util.Optional;

/** The element types of tensors that this version writes and reads, by {@code TensorProto.DataType}. */
enum ElementType {
    FLOAT(1, 4),
    UINT8(2, 1),
    INT32(6, 4),
    INT64(7, 8),
    FLOAT16(10, 2),
    BFLOAT16(16, 2);

    private final int id;
    private final int bytes;

    ElementType(int id, int bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    int id() {
        return id;
    }

    /** Bytes per element. */
    int bytes() {
        return bytes;
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

    /** How the same elements are called elsewhere. */
    DType dtype() {
        return switch (this) {
            case FLOAT -> DType.F32;
            case UINT8 -> DType.U8;
            case INT32 -> DType.I32;
            case INT64 -> DType.I64;
            case FLOAT16 -> DType.F16;
            case BFLOAT16 -> DType.BF16;
        };
    }
}
