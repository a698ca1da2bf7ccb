package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the header of a file that may be anything. Every count is compared with the bytes that are left, and with what
 * a model can need, before anything is allocated for it; every tensor lies inside the file when {@link #decode} returns.
 */
final class GgufHeaderDecoder {
    private static final int LONGEST_KEY_BYTES = 65535;
    private static final int LONGEST_NAME_BYTES = 63;
    private static final int MOST_DIMENSIONS = 4;
    private static final int LARGEST_ALIGNMENT = 1 << 20;
    private static final int SMALLEST_KEY_BYTES = 8 + 1 + 4 + 1;
    private static final int SMALLEST_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;
    /** Vocabularies and merges come to under a million values; this bounds what a hostile header costs. */
    private static final long MOST_VALUES = 1 << 22;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String file;
    private final MemorySegment bytes;
    private long at;
    private long values;

    private GgufHeaderDecoder(String file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** A header and the byte where its data section begins. */
    record Decoded(GgufHeader header, long dataOffset) {}

    static Decoded decode(String file, MemorySegment bytes) throws MalformedFileException {
        return new GgufHeaderDecoder(file, bytes).decode();
    }

    private Decoded decode() throws MalformedFileException {
        int magic = i32();
        if (magic != GgufHeader.MAGIC) {
            throw problem(0, "starts with 0x" + Integer.toHexString(magic) + ", expected \"GGUF\"");
        }
        int version = i32();
        if (version != GgufHeader.VERSION) {
            throw problem(
                    4,
                    version == Integer.reverseBytes(GgufHeader.VERSION)
                            ? "is big-endian, expected little-endian"
                            : "version " + version + ", expected " + GgufHeader.VERSION
                                    + (version < GgufHeader.VERSION
                                            ? "; convert the model again with a newer tool"
                                            : "; it was written by a newer tool than this version knows"));
        }
        long tensorCount = count("tensor", SMALLEST_TENSOR_BYTES);
        long keyCount = count("key", SMALLEST_KEY_BYTES);
        Map<String, GgufValue> metadata = metadata(keyCount);
        int alignment = alignment(metadata);
        List<GgufTensor> tensors = tensors(tensorCount, alignment);
        long dataOffset = GgufHeader.padded(at, alignment);
        GgufHeader header = new GgufHeader(metadata, tensors, alignment);
        checkSize(header, dataOffset);
        return new Decoded(header, dataOffset);
    }

    private void checkSize(GgufHeader header, long dataOffset) throws MalformedFileException {
        long size = bytes.byteSize();
        long end = header.tensors().isEmpty()
                ? dataOffset
                : dataOffset
                        + header.tensors().getLast().offset()
                        + header.tensors().getLast().byteSize();
        if (size < end) {
            String last = header.tensors().isEmpty()
                    ? "the header"
                    : "tensor '" + header.tensors().getLast().name() + "'";
            throw problem(size, last + " ends at byte " + end + " but the file has " + size + "; copy the file again");
        }
        long padded = dataOffset + header.dataBytes();
        if (size > padded) {
            throw problem(padded, "the file has " + size + " bytes, but its last tensor ends at " + padded);
        }
    }

    private Map<String, GgufValue> metadata(long count) throws MalformedFileException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            long start = at;
            String key = text("key", LONGEST_KEY_BYTES);
            GgufValue value = value(key, type(key));
            if (metadata.put(key, value) != null) {
                throw problem(start, "key '" + key + "' appears twice");
            }
        }
        return metadata;
    }

    private int alignment(Map<String, GgufValue> metadata) throws MalformedFileException {
        GgufValue stated = metadata.get(GgufHeader.ALIGNMENT_KEY);
        if (stated == null) {
            return GgufHeader.DEFAULT_ALIGNMENT;
        }
        if (!(stated instanceof GgufValue.Whole(GgufValue.Type type, long value)
                && type == GgufValue.Type.U32
                && value >= 1
                && value <= LARGEST_ALIGNMENT
                && Long.bitCount(value) == 1)) {
            throw problem(
                    at,
                    "'" + GgufHeader.ALIGNMENT_KEY + "' is " + stated + ", expected a U32 power of two up to "
                            + LARGEST_ALIGNMENT);
        }
        return (int) value;
    }

    private GgufValue.Type type(String key) throws MalformedFileException {
        int id = i32();
        return GgufValue.Type.withId(id)
                .orElseThrow(() -> problem(at - 4, "key '" + key + "' has value type " + id + ", expected 0 to 12"));
    }

    private GgufValue value(String key, GgufValue.Type type) throws MalformedFileException {
        if (++values > MOST_VALUES) {
            throw problem(at, "key '" + key + "': more than " + MOST_VALUES + " metadata values");
        }
        return switch (type) {
            case U8 -> new GgufValue.Whole(type, i8() & 0xff);
            case I8 -> new GgufValue.Whole(type, i8());
            case U16 -> new GgufValue.Whole(type, i16() & 0xffff);
            case I16 -> new GgufValue.Whole(type, i16());
            case U32 -> new GgufValue.Whole(type, i32() & 0xffff_ffffL);
            case I32 -> new GgufValue.Whole(type, i32());
            case I64 -> new GgufValue.Whole(type, i64());
            case U64 -> {
                long value = i64();
                if (value < 0) {
                    throw problem(at - 8, "key '" + key + "' is " + Long.toUnsignedString(value) + ", beyond 2^63");
                }
                yield new GgufValue.Whole(type, value);
            }
            case F32 -> new GgufValue.Real(type, Float.intBitsToFloat(i32()));
            case F64 -> new GgufValue.Real(type, Double.longBitsToDouble(i64()));
            case BOOL -> {
                byte flag = i8();
                if (flag != 0 && flag != 1) {
                    throw problem(at - 1, "key '" + key + "' is " + flag + ", expected 0 or 1 for a bool");
                }
                yield new GgufValue.Flag(flag == 1);
            }
            case STRING -> new GgufValue.Text(text("value of '" + key + "'", Integer.MAX_VALUE));
            case ARRAY -> items(key);
        };
    }

    private GgufValue items(String key) throws MalformedFileException {
        GgufValue.Type of = type(key);
        if (of == GgufValue.Type.ARRAY) {
            throw problem(at - 4, "key '" + key + "' is an array of arrays, which the format forbids");
        }
        long smallest = of == GgufValue.Type.STRING ? 8 : of.bytes();
        long count = count("value of '" + key + "'", smallest);
        if (count > MOST_VALUES - values) {
            throw problem(at - 8, "key '" + key + "': more than " + MOST_VALUES + " metadata values");
        }
        List<GgufValue> items = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            items.add(value(key, of));
        }
        return new GgufValue.Items(of, items);
    }

    private List<GgufTensor> tensors(long count, int alignment) throws MalformedFileException {
        List<GgufTensor> tensors = new ArrayList<>();
        Set<String> names = new HashSet<>();
        long expectedOffset = 0;
        for (long i = 0; i < count; i++) {
            long start = at;
            String name = text("tensor name", LONGEST_NAME_BYTES);
            if (!names.add(name)) {
                throw problem(start, "tensor '" + name + "' appears twice");
            }
            Shape shape = shape(name);
            int id = i32();
            GgufType type = GgufType.withId(id)
                    .orElseThrow(
                            () -> problem(at - 4, "tensor '" + name + "' has type " + id + ", which is not supported"));
            if (shape.rowLength() % type.blockElements() != 0) {
                throw problem(
                        start,
                        "tensor '" + name + "' has rows of " + shape.rowLength() + ", expected whole blocks of " + type
                                + " (" + type.blockElements() + ")");
            }
            long offset = i64();
            if (offset != expectedOffset) {
                throw problem(
                        at - 8,
                        "tensor '" + name + "' has offset " + Long.toUnsignedString(offset) + ", expected "
                                + expectedOffset);
            }
            GgufTensor tensor = new GgufTensor(name, type, shape, offset);
            try {
                // No real file comes near 2^62; below it the sums of offsets cannot overflow.
                expectedOffset = GgufHeader.padded(Math.addExact(offset, tensor.byteSize()), alignment);
            } catch (ArithmeticException _) {
                throw problem(start, "tensor '" + name + "' of shape " + shape + " is larger than any file");
            }
            if (expectedOffset > Long.MAX_VALUE / 2) {
                throw problem(start, "tensor '" + name + "' of shape " + shape + " is larger than any file");
            }
            tensors.add(tensor);
        }
        return tensors;
    }

    private Shape shape(String name) throws MalformedFileException {
        int rank = i32();
        if (rank < 1 || rank > MOST_DIMENSIONS) {
            throw problem(at - 4, "tensor '" + name + "' has " + rank + " dimensions, expected 1 to 4");
        }
        Long[] extents = new Long[rank];
        for (int axis = rank - 1; axis >= 0; axis--) {
            long extent = i64();
            if (extent < 1) {
                throw problem(at - 8, "tensor '" + name + "' has an extent of " + extent + ", expected at least 1");
            }
            extents[axis] = extent;
        }
        try {
            return new Shape(List.of(extents));
        } catch (ArithmeticException _) {
            throw problem(at, "tensor '" + name + "' of shape " + List.of(extents) + " has more than 2^63 elements");
        }
    }

    private long count(String what, long smallestBytes) throws MalformedFileException {
        long count = i64();
        long left = bytes.byteSize() - at;
        if (count < 0 || count > left / smallestBytes) {
            throw problem(
                    at - 8,
                    Long.toUnsignedString(count) + " times a " + what + ", but only " + left + " bytes are left");
        }
        return count;
    }

    private String text(String what, int longest) throws MalformedFileException {
        long length = i64();
        long left = bytes.byteSize() - at;
        if (length < 0 || length > left) {
            throw problem(
                    at - 8,
                    what + " of " + Long.toUnsignedString(length) + " bytes, but only " + left + " bytes are left");
        }
        if (length > longest) {
            throw problem(at - 8, what + " of " + length + " bytes, expected at most " + longest);
        }
        MemorySegment utf8 = bytes.asSlice(at, length);
        at += length;
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(utf8.asByteBuffer())
                    .toString();
        } catch (CharacterCodingException _) {
            throw problem(at - length, what + " is not UTF-8");
        }
    }

    private byte i8() throws MalformedFileException {
        return bytes.get(ValueLayout.JAVA_BYTE, take(1));
    }

    private short i16() throws MalformedFileException {
        return bytes.get(SHORT, take(2));
    }

    private int i32() throws MalformedFileException {
        return bytes.get(INT, take(4));
    }

    private long i64() throws MalformedFileException {
        return bytes.get(LONG, take(8));
    }

    private long take(int count) throws MalformedFileException {
        if (bytes.byteSize() - at < count) {
            throw problem(at, "the header is cut off after " + bytes.byteSize() + " bytes; copy the file again");
        }
        long from = at;
        at += count;
        return from;
    }

    private MalformedFileException problem(long offset, String what) {
        return new MalformedFileException(file, offset, "at byte " + offset + ": " + what);
    }
}
