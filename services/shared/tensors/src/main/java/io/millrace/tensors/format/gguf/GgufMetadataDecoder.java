package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The keys of a header and their values, in the order of the file. */
final class GgufMetadataDecoder {
    private static final int LONGEST_KEY_BYTES = 65535;
    /** Vocabularies and merges come to under a million values; this bounds what a hostile header costs. */
    private static final long MOST_VALUES = 1 << 22;

    private static final long MOST_TEXT_BYTES = 1 << 28;

    private final GgufCursor bytes;
    private long values;

    GgufMetadataDecoder(GgufCursor bytes) {
        this.bytes = bytes;
    }

    Map<String, GgufValue> decode(long count) throws MalformedFileException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            long start = bytes.at();
            String key = bytes.text("key", LONGEST_KEY_BYTES);
            GgufValue value = value(key, type(key));
            if (metadata.put(key, value) != null) {
                throw bytes.problem(start, "key '" + key + "' appears twice");
            }
        }
        return metadata;
    }

    private GgufValue.Type type(String key) throws MalformedFileException {
        int id = bytes.i32();
        return GgufValue.Type.withId(id)
                .orElseThrow(() ->
                        bytes.problem(bytes.at() - 4, "key '" + key + "' has value type " + id + ", expected 0 to 12"));
    }

    private GgufValue value(String key, GgufValue.Type type) throws MalformedFileException {
        if (++values > MOST_VALUES) {
            throw bytes.problem(bytes.at(), "key '" + key + "': more than " + MOST_VALUES + " metadata values");
        }
        return switch (type) {
            case U8 -> new GgufValue.Whole(type, bytes.i8() & 0xff);
            case I8 -> new GgufValue.Whole(type, bytes.i8());
            case U16 -> new GgufValue.Whole(type, bytes.i16() & 0xffff);
            case I16 -> new GgufValue.Whole(type, bytes.i16());
            case U32 -> new GgufValue.Whole(type, bytes.i32() & 0xffff_ffffL);
            case I32 -> new GgufValue.Whole(type, bytes.i32());
            case I64 -> new GgufValue.Whole(type, bytes.i64());
            case U64 -> {
                long value = bytes.i64();
                if (value < 0) {
                    throw bytes.problem(
                            bytes.at() - 8, "key '" + key + "' is " + Long.toUnsignedString(value) + ", beyond 2^63");
                }
                yield new GgufValue.Whole(type, value);
            }
            case F32 -> new GgufValue.Real(type, Float.intBitsToFloat(bytes.i32()));
            case F64 -> new GgufValue.Real(type, Double.longBitsToDouble(bytes.i64()));
            case BOOL -> {
                byte flag = bytes.i8();
                if (flag != 0 && flag != 1) {
                    throw bytes.problem(
                            bytes.at() - 1, "key '" + key + "' is " + flag + ", expected 0 or 1 for a bool");
                }
                yield new GgufValue.Flag(flag == 1);
            }
            case STRING -> new GgufValue.Text(text(key));
            case ARRAY -> items(key);
        };
    }

    private GgufValue items(String key) throws MalformedFileException {
        GgufValue.Type of = type(key);
        if (of == GgufValue.Type.ARRAY) {
            throw bytes.problem(bytes.at() - 4, "key '" + key + "' is an array of arrays, which the format forbids");
        }
        long smallest = of == GgufValue.Type.STRING ? 8 : of.bytes();
        long count = bytes.count("value of '" + key + "'", smallest);
        if (count > MOST_VALUES - values) {
            throw bytes.problem(bytes.at() - 8, "key '" + key + "': more than " + MOST_VALUES + " metadata values");
        }
        if (of == GgufValue.Type.STRING) {
            return texts(key, (int) count);
        }
        List<GgufValue> items = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            items.add(value(key, of));
        }
        return new GgufValue.Items(of, items);
    }

    private GgufValue texts(String key, int count) throws MalformedFileException {
        values += count;
        PackedTexts.Builder texts = new PackedTexts.Builder();
        long start = bytes.at();
        for (int i = 0; i < count; i++) {
            texts.add(text(key));
            if (bytes.at() - start > MOST_TEXT_BYTES) {
                throw bytes.problem(start, "key '" + key + "': more than " + MOST_TEXT_BYTES + " bytes of texts");
            }
        }
        return GgufValue.texts(texts.build());
    }

    private String text(String key) throws MalformedFileException {
        return bytes.text("value of '" + key + "'", Integer.MAX_VALUE);
    }
}
