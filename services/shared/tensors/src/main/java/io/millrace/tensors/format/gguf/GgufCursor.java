package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The values of a file that may be anything, one after the other, little-endian. Each is compared with the bytes that are
 * left before it is read, and an error names the byte where the bad value begins.
 */
final class GgufCursor {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String file;
    private final MemorySegment bytes;
    private long at;

    GgufCursor(String file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** The byte that is read next. */
    long at() {
        return at;
    }

    long size() {
        return bytes.byteSize();
    }

    long left() {
        return bytes.byteSize() - at;
    }

    /** How many things follow, of {@code smallestBytes} at least each. */
    long count(String what, long smallestBytes) throws MalformedFileException {
        long count = i64();
        if (count < 0 || count > left() / smallestBytes) {
            throw problem(
                    at - 8,
                    Long.toUnsignedString(count) + " times a " + what + ", but only " + left() + " bytes are left");
        }
        return count;
    }

    /** A length in 64 bits and as many bytes of UTF-8. */
    String text(String what, int longest) throws MalformedFileException {
        long length = i64();
        if (length < 0 || length > left()) {
            throw problem(
                    at - 8,
                    what + " of " + Long.toUnsignedString(length) + " bytes, but only " + left() + " bytes are left");
        }
        if (length > longest) {
            throw problem(at - 8, what + " of " + length + " bytes, expected at most " + longest);
        }
        return utf8(what, length);
    }

    /** As many bytes as are left at least, of UTF-8. */
    String utf8(String what, long length) throws MalformedFileException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(slice(length).asByteBuffer())
                    .toString();
        } catch (CharacterCodingException _) {
            throw problem(at - length, what + " is not UTF-8");
        }
    }

    /** Bytes of which as many are left at least. */
    MemorySegment slice(long length) {
        at += length;
        return bytes.asSlice(at - length, length);
    }

    byte i8() throws MalformedFileException {
        return bytes.get(ValueLayout.JAVA_BYTE, take(1));
    }

    short i16() throws MalformedFileException {
        return bytes.get(SHORT, take(2));
    }

    int i32() throws MalformedFileException {
        return bytes.get(INT, take(4));
    }

    long i64() throws MalformedFileException {
        return bytes.get(LONG, take(8));
    }

    private long take(int count) throws MalformedFileException {
        if (left() < count) {
            throw problem(at, "the header is cut off after " + bytes.byteSize() + " bytes; copy the file again");
        }
        long from = at;
        at += count;
        return from;
    }

    MalformedFileException problem(long offset, String what) {
        return new MalformedFileException(file, offset, "at byte " + offset + ": " + what);
    }
}
