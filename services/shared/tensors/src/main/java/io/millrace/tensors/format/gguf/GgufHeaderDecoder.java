package io.millrace.tensors.format.gguf;

import io.millrace.tensors.BlockLayout;
import io.millrace.tensors.ForeignGgufType;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads the header of a file that may be anything. Every count is compared with the bytes that are left, and with what
 * a model can need, before anything is allocated for it; every tensor lies inside the file when {@link #decode} returns.
 */
final class GgufHeaderDecoder {
    private static final int LONGEST_NAME_BYTES = 63;
    private static final int MOST_DIMENSIONS = 4;
    private static final int LARGEST_ALIGNMENT = 1 << 20;
    private static final int SMALLEST_KEY_BYTES = 8 + 1 + 4 + 1;
    private static final int SMALLEST_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

    private static final Map<Integer, BlockLayout> LAYOUTS = Stream.<BlockLayout>concat(
                    Stream.of(GgufType.values()), Stream.of(ForeignGgufType.values()))
            .collect(Collectors.toMap(BlockLayout::id, layout -> layout));

    private final GgufCursor bytes;

    private GgufHeaderDecoder(GgufCursor bytes) {
        this.bytes = bytes;
    }

    /** A header and the byte where its data section begins. */
    record Decoded(GgufHeader header, long dataOffset) {}

    static Decoded decode(String file, MemorySegment bytes) throws MalformedFileException {
        return new GgufHeaderDecoder(new GgufCursor(file, bytes)).decode();
    }

    private Decoded decode() throws MalformedFileException {
        int magic = bytes.i32();
        if (magic != GgufHeader.MAGIC) {
            throw bytes.problem(0, "starts with 0x" + Integer.toHexString(magic) + ", expected \"GGUF\"");
        }
        int version = bytes.i32();
        if (version < GgufHeader.OLDEST_VERSION || version > GgufHeader.VERSION) {
            throw bytes.problem(
                    4,
                    version == Integer.reverseBytes(GgufHeader.VERSION)
                            ? "is big-endian, expected little-endian"
                            : "version " + version + ", expected " + GgufHeader.OLDEST_VERSION + " or "
                                    + GgufHeader.VERSION
                                    + (version < GgufHeader.OLDEST_VERSION
                                            ? "; convert the model again with a newer tool"
                                            : "; it was written by a newer tool than this version knows"));
        }
        long tensorCount = bytes.count("tensor", SMALLEST_TENSOR_BYTES);
        long keyCount = bytes.count("key", SMALLEST_KEY_BYTES);
        Map<String, GgufValue> metadata = new GgufMetadataDecoder(bytes).decode(keyCount);
        int alignment = alignment(metadata);
        List<GgufTensor> tensors = tensors(tensorCount, alignment);
        long dataOffset = GgufHeader.padded(bytes.at(), alignment);
        GgufHeader header = new GgufHeader(metadata, tensors, alignment);
        checkSize(header, dataOffset);
        return new Decoded(header, dataOffset);
    }

    private void checkSize(GgufHeader header, long dataOffset) throws MalformedFileException {
        long size = bytes.size();
        long end = header.tensors().isEmpty()
                ? dataOffset
                : dataOffset
                        + header.tensors().getLast().offset()
                        + header.tensors().getLast().byteSize();
        if (size < end) {
            String last = header.tensors().isEmpty()
                    ? "the header"
                    : "tensor '" + header.tensors().getLast().name() + "'";
            throw bytes.problem(
                    size, last + " ends at byte " + end + " but the file has " + size + "; copy the file again");
        }
        long padded = dataOffset + header.dataBytes();
        if (size > padded) {
            throw bytes.problem(padded, "the file has " + size + " bytes, but its last tensor ends at " + padded);
        }
    }

    private int alignment(Map<String, GgufValue> metadata) throws MalformedFileException {
        GgufValue stated = metadata.get(GgufHeader.ALIGNMENT_KEY);
        if (stated == null) {
            return GgufHeader.DEFAULT_ALIGNMENT;
        }
        if (!(stated instanceof GgufValue.Whole(GgufValue.Type type, long value)
                && type == GgufValue.Type.U32
                && value <= LARGEST_ALIGNMENT
                && Long.bitCount(value) == 1)) {
            throw bytes.problem(
                    bytes.at(),
                    "'" + GgufHeader.ALIGNMENT_KEY + "' is " + stated + ", expected a U32 power of two up to "
                            + LARGEST_ALIGNMENT);
        }
        return (int) value;
    }

    private List<GgufTensor> tensors(long count, int alignment) throws MalformedFileException {
        List<GgufTensor> tensors = new ArrayList<>();
        Set<String> names = new HashSet<>();
        long expectedOffset = 0;
        for (long i = 0; i < count; i++) {
            long start = bytes.at();
            String name = bytes.text("tensor name", LONGEST_NAME_BYTES);
            if (!names.add(name)) {
                throw bytes.problem(start, "tensor '" + name + "' appears twice");
            }
            Shape shape = shape(name);
            int id = bytes.i32();
            BlockLayout layout = LAYOUTS.get(id);
            if (layout == null) {
                throw bytes.problem(
                        bytes.at() - 4, "tensor '" + name + "' has type " + id + ", which is none that is known");
            }
            if (shape.rowLength() % layout.blockElements() != 0) {
                throw bytes.problem(
                        start,
                        "tensor '" + name + "' has rows of " + shape.rowLength() + ", expected whole blocks of "
                                + layout + " (" + layout.blockElements() + ")");
            }
            long offset = bytes.i64();
            if (offset != expectedOffset) {
                throw bytes.problem(
                        bytes.at() - 8,
                        "tensor '" + name + "' has offset " + Long.toUnsignedString(offset) + ", expected "
                                + expectedOffset);
            }
            GgufTensor tensor = new GgufTensor(name, layout, shape, offset);
            try {
                // No real file comes near 2^62; below it the sums of offsets cannot overflow.
                expectedOffset = GgufHeader.padded(Math.addExact(offset, tensor.byteSize()), alignment);
            } catch (ArithmeticException _) {
                throw bytes.problem(start, "tensor '" + name + "' of shape " + shape + " is larger than any file");
            }
            if (expectedOffset > Long.MAX_VALUE / 2) {
                throw bytes.problem(start, "tensor '" + name + "' of shape " + shape + " is larger than any file");
            }
            tensors.add(tensor);
        }
        return tensors;
    }

    private Shape shape(String name) throws MalformedFileException {
        int rank = bytes.i32();
        if (rank < 1 || rank > MOST_DIMENSIONS) {
            throw bytes.problem(bytes.at() - 4, "tensor '" + name + "' has " + rank + " dimensions, expected 1 to 4");
        }
        Long[] extents = new Long[rank];
        for (int axis = rank - 1; axis >= 0; axis--) {
            long extent = bytes.i64();
            if (extent < 1) {
                throw bytes.problem(
                        bytes.at() - 8, "tensor '" + name + "' has an extent of " + extent + ", expected at least 1");
            }
            extents[axis] = extent;
        }
        try {
            return new Shape(List.of(extents));
        } catch (ArithmeticException _) {
            throw bytes.problem(
                    bytes.at(), "tensor '" + name + "' of shape " + List.of(extents) + " has more than 2^63 elements");
        }
    }
}
