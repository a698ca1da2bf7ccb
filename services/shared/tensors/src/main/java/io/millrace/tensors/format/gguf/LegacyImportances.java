package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
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
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int SMALLEST_ENTRY_BYTES = 4 + 1 + 4 + 4 + 4;

    private final Path file;
    private final GgufCursor cursor;

    LegacyImportances(Path file, MemorySegment bytes) {
        this.file = file;
        this.cursor = new GgufCursor(String.valueOf(file.getFileName()), bytes);
    }

    ImportanceMatrix read() throws MalformedFileException {
        int entries = count("entries", SMALLEST_ENTRY_BYTES);
        Map<String, float[]> byTensor = new TreeMap<>();
        for (int i = 0; i < entries; i++) {
            long start = cursor.at();
            String name = text("the name of entry " + i);
            int calls = i32("the calls of '" + name + "'");
            int count = count("values of '" + name + "'", Float.BYTES);
            float[] values = cursor.slice((long) Float.BYTES * count).toArray(FLOAT);
            if (calls > 0) {
                for (int j = 0; j < count; j++) {
                    values[j] /= calls;
                }
            }
            if (byTensor.put(name, values) != null) {
                throw cursor.problem(start, "'" + name + "' appears twice");
            }
        }
        if (cursor.left() == 0) {
            return new ImportanceMatrix(file, byTensor, List.of(), OptionalLong.empty());
        }
        int chunks = i32("the number of chunks");
        String dataset = cursor.left() == 0 ? "" : text("the path of the text");
        if (cursor.left() > 0) {
            throw cursor.problem(cursor.at(), "ends here, but the file has " + cursor.size() + " bytes");
        }
        return new ImportanceMatrix(
                file,
                byTensor,
                dataset.isEmpty() ? List.of() : List.of(dataset),
                chunks < 0 ? OptionalLong.empty() : OptionalLong.of(chunks));
    }

    private int i32(String what) throws MalformedFileException {
        if (cursor.left() < Integer.BYTES) {
            throw cursor.problem(
                    cursor.at(), "is cut off before " + what + "; expected an importance matrix, copy the file again");
        }
        return cursor.i32();
    }

    private int count(String what, int smallestBytes) throws MalformedFileException {
        int count = i32("the number of " + what);
        if (count < 1 || count > cursor.left() / smallestBytes) {
            throw cursor.problem(
                    cursor.at() - Integer.BYTES,
                    count + " " + what + ", but " + cursor.left() + " bytes are left; expected an importance matrix");
        }
        return count;
    }

    private String text(String what) throws MalformedFileException {
        int length = i32("the length of " + what);
        if (length < 0 || length > cursor.left()) {
            throw cursor.problem(
                    cursor.at() - Integer.BYTES,
                    what + " has " + length + " bytes, but " + cursor.left() + " bytes are left");
        }
        return cursor.utf8(what, length);
    }
}
