package io.millrace.tensors.format.gguf;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collection;
import java.util.RandomAccess;

/**
 * Many short texts in one array of UTF-8, each made a string when it is looked at: the merges of a large vocabulary would
 * take six times as much memory as strings.
 */
public final class PackedTexts extends AbstractList<String> implements RandomAccess {
    private final byte[] utf8;
    private final int[] ends;

    private PackedTexts(byte[] utf8, int[] ends) {
        this.utf8 = utf8;
        this.ends = ends;
    }

    public static PackedTexts of(Collection<String> texts) {
        if (texts instanceof PackedTexts packed) {
            return packed;
        }
        Builder builder = new Builder();
        texts.forEach(builder::add);
        return builder.build();
    }

    @Override
    public String get(int index) {
        int from = index == 0 ? 0 : ends[index - 1];
        return new String(utf8, from, ends[index] - from, StandardCharsets.UTF_8);
    }

    @Override
    public int size() {
        return ends.length;
    }

    /** Collects texts in their order. */
    public static final class Builder {
        private byte[] utf8 = new byte[1 << 10];
        private int[] ends = new int[1 << 7];
        private int count;
        private int length;

        public void add(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int end = Math.addExact(length, bytes.length);
            if (end > utf8.length) {
                utf8 = Arrays.copyOf(utf8, grown(utf8.length, end));
            }
            if (count == ends.length) {
                ends = Arrays.copyOf(ends, grown(count, count + 1));
            }
            System.arraycopy(bytes, 0, utf8, length, bytes.length);
            length = end;
            ends[count++] = end;
        }

        /** By a half at least. */
        private static int grown(int size, int needed) {
            return Math.max(needed, (int) Math.min(Integer.MAX_VALUE - 8, size * 3L / 2));
        }

        public PackedTexts build() {
            return new PackedTexts(Arrays.copyOf(utf8, length), Arrays.copyOf(ends, count));
        }
    }
}
