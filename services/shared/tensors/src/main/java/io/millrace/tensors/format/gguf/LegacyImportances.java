package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * The older form of an importance matrix, little-endian:
 *
 * <pre>
 * i32 entries
 * per entry  i32 name bytes; name; i32 calls; i32 count; f32 values[count], mean square times calls
 * at the end, or nothing  i32 chunks; i32 path bytes; path of the text
 * </pre>
 */
final class LegacyImportances {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int SMALLEST_ENTRY_BYTES = 4 + 1 + 4 + 4 + 4;

    private final Path file;
    private final MemorySegment bytes;
    private long at;

    LegacyImportances(Path file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    ImportanceMatrix read() throws MalformedFileException {
        int entries = count("entries", SMALLEST_ENTRY_BYTES);
        Map<String, float[]> byTensor = new TreeMap<>();
        for (int i = 0; i < entries; i++) {
            long start = at;
            String name = text("the name of entry " + i);
            int calls = i32("the calls of '" + name + "'");
            int count = count("values of '" + name + "'", Float.BYTES);
            float[] values = bytes.asSlice(at, (long) Float.BYTES * count).toArray(FLOAT);
            at += (long) Float.BYTES * count;
            if (calls > 0) {
                for (int j = 0; j < count; j++) {
                    values[j] /= calls;
                }
            }
            if (byTensor.put(name, values) != null) {
                throw problem(start, "'" + name + "' appears twice");
            }
        }
        if (at == bytes.byteSize()) {
            return new ImportanceMatrix(file, byTensor, List.of(), OptionalLong.empty());
        }
        int chunks = i32("the number of chunks");
        String dataset = at == bytes.byteSize() ? "" : text("the path of the text");
        if (at != bytes.byteSize()) {
            throw problem(at, "ends here, but the file has " + bytes.byteSize() + " bytes");
        }
        return new ImportanceMatrix(
                file,
                byTensor,
                dataset.isEmpty() ? List.of() : List.of(dataset),
                chunks < 0 ? OptionalLong.empty() : OptionalLong.of(chunks));
    }

    private int i32(String what) throws MalformedFileException {
        if (bytes.byteSize() - at < Integer.BYTES) {
            throw problem(at, "is cut off before " + what + "; expected an importance matrix, copy the file again");
        }
        int value = bytes.get(INT, at);
        at += Integer.BYTES;
        return value;
    }

    private int count(String what, int smallestBytes) throws MalformedFileException {
        int count = i32("the number of " + what);
        if (count < 1 || count > (bytes.byteSize() - at) / smallestBytes) {
            throw problem(
                    at - Integer.BYTES,
                    count + " " + what + ", but " + (bytes.byteSize() - at)
                            + " bytes are left; expected an importance matrix");
        }
        return count;
    }

    private String text(String what) throws MalformedFileException {
        int length = i32("the length of " + what);
        if (length < 0 || length > bytes.byteSize() - at) {
            throw problem(
                    at - Integer.BYTES,
                    what + " has " + length + " bytes, but " + (bytes.byteSize() - at) + " bytes are left");
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

    private MalformedFileException problem(long offset, String what) {
        return new MalformedFileException(file, offset, "at byte " + offset + ": " + what);
    }
}
