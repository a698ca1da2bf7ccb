package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.protobuf.ProtobufWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The fields of one protobuf message, one after the other, as {@link ProtobufWriter} describes them. Every length is held
 * against the message that it lies in before it is used, and nothing is copied but what is asked for. It descends into a
 * message only when told to, so no nesting can exhaust the stack.
 */
final class ProtobufReader {
    private static final int FIXED_64 = 1;
    private static final int MOST_VARINT_BYTES = 10;

    private final String file;
    private final byte[] bytes;
    private final int to;
    private int at;
    private int field;
    private int wireType;
    private int valueFrom;
    private int valueTo;
    private long number;

    ProtobufReader(String file, byte[] bytes) {
        this(file, bytes, 0, bytes.length);
    }

    private ProtobufReader(String file, byte[] bytes, int from, int to) {
        this.file = file;
        this.bytes = bytes;
        this.at = from;
        this.to = to;
    }

    /** Goes to the next field; false at the message's end. */
    boolean next() throws MalformedFileException {
        if (at == to) {
            return false;
        }
        int start = at;
        long tag = varint();
        if (tag >>> 3 == 0 || tag >>> 3 > Integer.MAX_VALUE >> 3) {
            throw problem(start, "found a field with tag " + Long.toUnsignedString(tag) + ", expected a number from 1");
        }
        field = (int) (tag >>> 3);
        wireType = (int) (tag & 7);
        valueFrom = at;
        switch (wireType) {
            case ProtobufWriter.VARINT -> number = varint();
            case FIXED_64 -> skip(Long.BYTES);
            case ProtobufWriter.FIXED_32 -> skip(Integer.BYTES);
            case ProtobufWriter.BYTES -> {
                long length = varint();
                valueFrom = at;
                skip(length);
            }
            default ->
                throw problem(start, "field " + field + " has wire type " + wireType + ", expected 0, 1, 2 or 5");
        }
        valueTo = at;
        return true;
    }

    int field() {
        return field;
    }

    long whole() throws MalformedFileException {
        require(ProtobufWriter.VARINT);
        return number;
    }

    /** The number, or the numbers that are packed into one field. */
    List<Long> wholes() throws MalformedFileException {
        if (wireType == ProtobufWriter.VARINT) {
            return List.of(number);
        }
        require(ProtobufWriter.BYTES);
        ProtobufReader packed = new ProtobufReader(file, bytes, valueFrom, valueTo);
        List<Long> numbers = new ArrayList<>();
        while (packed.at < packed.to) {
            numbers.add(packed.varint());
        }
        return numbers;
    }

    ProtobufReader message() throws MalformedFileException {
        require(ProtobufWriter.BYTES);
        return new ProtobufReader(file, bytes, valueFrom, valueTo);
    }

    String text() throws MalformedFileException {
        require(ProtobufWriter.BYTES);
        if (ascii()) {
            return new String(bytes, valueFrom, valueTo - valueFrom, StandardCharsets.US_ASCII);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes, valueFrom, valueTo - valueFrom))
                    .toString();
        } catch (CharacterCodingException _) {
            throw problem(valueFrom, "the text in field " + field + " is not UTF-8");
        }
    }

    private boolean ascii() {
        for (int i = valueFrom; i < valueTo; i++) {
            if (bytes[i] < 0) {
                return false;
            }
        }
        return true;
    }

    private void require(int expected) throws MalformedFileException {
        if (wireType != expected) {
            throw problem(valueFrom, "field " + field + " has wire type " + wireType + ", expected " + expected);
        }
    }

    private void skip(long length) throws MalformedFileException {
        if (length < 0 || length > to - at) {
            throw problem(
                    at,
                    "field " + field + " has " + Long.toUnsignedString(length) + " bytes, but its message ends after "
                            + (to - at));
        }
        at += (int) length;
    }

    private long varint() throws MalformedFileException {
        int start = at;
        long value = 0;
        for (int i = 0; i < MOST_VARINT_BYTES; i++) {
            if (at == to) {
                throw problem(start, "a number does not end within its message");
            }
            byte next = bytes[at++];
            value |= (next & 0x7fL) << (7 * i);
            if (next >= 0) {
                return value;
            }
        }
        throw problem(start, "a number has more than " + MOST_VARINT_BYTES + " bytes");
    }

    private MalformedFileException problem(int offset, String what) {
        return new MalformedFileException(file, offset, what + " (byte " + offset + "); copy the file again");
    }
}
