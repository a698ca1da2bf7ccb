package io.millrace.tests.deploy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A native library, of which is read what other libraries it asks the loader for (ELF, 64 bits, little-endian). */
record SharedObject(ByteBuffer bytes) {
    private static final int MAGIC = 0x464C457F; // 0x7F "ELF"
    private static final int X86_64 = 62;
    private static final int DYNAMIC_SECTION = 6;
    private static final long NEEDED = 1;

    static SharedObject of(byte[] bytes) {
        return new SharedObject(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    }

    boolean forX86() {
        return bytes.limit() > 64 && bytes.getInt(0) == MAGIC && bytes.getShort(18) == X86_64;
    }

    List<String> needed() {
        int headers = Math.toIntExact(bytes.getLong(40));
        int size = bytes.getShort(58);
        List<String> names = new ArrayList<>();
        for (int section = 0; section < bytes.getShort(60); section++) {
            int header = headers + section * size;
            if (bytes.getInt(header + 4) == DYNAMIC_SECTION) {
                int strings = Math.toIntExact(bytes.getLong(headers + bytes.getInt(header + 40) * size + 24));
                names.addAll(needed(offset(header), offset(header) + length(header), strings));
            }
        }
        return names;
    }

    private List<String> needed(int from, int to, int strings) {
        List<String> names = new ArrayList<>();
        for (int entry = from; entry < to; entry += 2 * Long.BYTES) {
            if (bytes.getLong(entry) == NEEDED) {
                names.add(text(strings + Math.toIntExact(bytes.getLong(entry + Long.BYTES))));
            }
        }
        return names;
    }

    private int offset(int header) {
        return Math.toIntExact(bytes.getLong(header + 24));
    }

    private int length(int header) {
        return Math.toIntExact(bytes.getLong(header + 32));
    }

    private String text(int at) {
        int end = at;
        while (bytes.get(end) != 0) {
            end++;
        }
        byte[] text = new byte[end - at];
        bytes.get(at, text);
        return new String(text, StandardCharsets.US_ASCII);
    }
}
