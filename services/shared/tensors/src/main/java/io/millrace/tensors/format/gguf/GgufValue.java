package io.millrace.tensors.format.gguf;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A value of a GGUF file's metadata. Readers insist on the exact type of a key, so it is part of the value. */
public sealed interface GgufValue {
    Type type();

    /** An integer of 8 to 64 bits; an unsigned 64-bit value above the largest {@code long} is refused on reading. */
    record Whole(Type type, long value) implements GgufValue {}

    /** An F32 or F64. */
    record Real(Type type, double value) implements GgufValue {}

    record Flag(boolean value) implements GgufValue {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    record Text(String value) implements GgufValue {
        @Override
        public Type type() {
            return Type.STRING;
        }
    }

    /** An array, all of whose values have the type {@code of}, which is not itself an array. */
    record Items(Type of, List<GgufValue> values) implements GgufValue {
        public Items {
            values = values instanceof TextValues ? values : List.copyOf(values);
        }

        @Override
        public Type type() {
            return Type.ARRAY;
        }
    }

    /** The types as the format numbers them; {@code bytes} is the size of a value, 0 where it varies. */
    enum Type {
        U8(0, 1),
        I8(1, 1),
        U16(2, 2),
        I16(3, 2),
        U32(4, 4),
        I32(5, 4),
        F32(6, 4),
        BOOL(7, 1),
        STRING(8, 0),
        ARRAY(9, 0),
        U64(10, 8),
        I64(11, 8),
        F64(12, 8);

        private final int id;
        private final int bytes;

        Type(int id, int bytes) {
            this.id = id;
            this.bytes = bytes;
        }

        public int bytes() {
            return bytes;
        }

        /** The number that files write. */
        public int id() {
            return id;
        }

        static Optional<Type> withId(int id) {
            for (Type type : values()) {
                if (type.id == id) {
                    return Optional.of(type);
                }
            }
            return Optional.empty();
        }
    }

    static GgufValue u16(int value) {
        return new Whole(Type.U16, value);
    }

    static GgufValue u32(long value) {
        return new Whole(Type.U32, value);
    }

    static GgufValue f32(double value) {
        return new Real(Type.F32, (float) value);
    }

    static GgufValue text(String value) {
        return new Text(value);
    }

    static GgufValue texts(List<String> values) {
        return new Items(Type.STRING, new TextValues(PackedTexts.of(values)));
    }

    static GgufValue i32s(List<Integer> values) {
        // Few differ, as the kinds of tokens.
        Map<Integer, GgufValue> distinct = new HashMap<>();
        return new Items(
                Type.I32,
                values.stream()
                        .map(value -> distinct.computeIfAbsent(value, v -> new Whole(Type.I32, v)))
                        .toList());
    }

    static GgufValue f32s(List<Float> values) {
        return new Items(
                Type.F32,
                values.stream().<GgufValue>map(v -> new Real(Type.F32, v)).toList());
    }
}
