package io.millrace.tensors.format.gguf;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All of a GGUF file but its numbers. Little-endian:
 *
 * <pre>
 * "GGUF"; u32 version = 3, or 2; i64 tensor count; i64 key count
 * per key     string name; i32 type; value           string = u64 length, UTF-8;  array = i32 type, u64 count, values
 * per tensor  string name; u32 rank; i64 extents[rank], row length first; i32 type; u64 offset
 * zeros up to the alignment, then the tensors, each padded with zeros to the alignment
 * </pre>
 *
 * @param metadata keys in the order of the file
 * @param tensors in the order of the file, offsets running
 * @param alignment a power of two: {@code general.alignment}, 32 when absent
 */
public record GgufHeader(Map<String, GgufValue> metadata, List<GgufTensor> tensors, int alignment) {
    static final int MAGIC = 0x46554747;
    static final int VERSION = 3;
    /** Version 3 allows big-endian files besides, which are refused; the bytes of a little-endian one are the same. */
    static final int OLDEST_VERSION = 2;

    static final int DEFAULT_ALIGNMENT = 32;
    static final String ALIGNMENT_KEY = "general.alignment";

    /** The mark of every model file that a stage wrote; an original must not carry it. */
    public static final String MADE_KEY = "millrace.made";

    public GgufHeader {
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
        tensors = List.copyOf(tensors);
    }

    /** Lays tensors out one after the other; their own offsets are ignored. */
    static GgufHeader laidOut(Map<String, GgufValue> metadata, List<GgufTensor> tensors) {
        List<GgufTensor> placed = new ArrayList<>();
        long offset = 0;
        for (GgufTensor tensor : tensors) {
            placed.add(new GgufTensor(tensor.name(), tensor.layout(), tensor.shape(), offset));
            offset = padded(Math.addExact(offset, tensor.byteSize()), DEFAULT_ALIGNMENT);
        }
        return new GgufHeader(metadata, placed, DEFAULT_ALIGNMENT);
    }

    /** Bytes of the data section, padding of the last tensor included. */
    public long dataBytes() {
        if (tensors.isEmpty()) {
            return 0;
        }
        GgufTensor last = tensors.getLast();
        return padded(last.offset() + last.byteSize(), alignment);
    }

    static long padded(long bytes, int alignment) {
        return Math.addExact(bytes, alignment - 1L) & -alignment;
    }
}
