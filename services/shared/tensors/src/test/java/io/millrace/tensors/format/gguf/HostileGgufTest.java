package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DamagedBytes;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostileGgufTest {
    @TempDir
    static Path parent;

    private static byte[] valid = new byte[0];
    private static int headerBytes;

    @BeforeAll
    static void writeAValidFile() throws Exception {
        Path folder = GgufModels.folder(
                parent,
                GgufModels.llama()
                        .put("_name_or_path", "hostile")
                        .put("hidden_size", 32)
                        .put("intermediate_size", 32));
        Path file = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.Q8_0, file, 1);
        valid = Files.readAllBytes(file);
        try (GgufReader reader = GgufReader.open(file)) {
            headerBytes = (int) reader.dataOffset();
        }
    }

    @Test
    void everyTruncationIsNoticed() {
        for (int length = 0; length < valid.length; length += length < headerBytes ? 1 : 97) {
            byte[] cut = java.util.Arrays.copyOf(valid, length);
            assertThatThrownBy(() -> open(cut))
                    .as("%d bytes", length)
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageStartingWith("hostile.gguf: ");
        }
    }

    @Test
    void tenThousandDamagedFilesAreReadOrRefusedButNeverWorse() {
        assertThat(DamagedBytes.refused(valid, headerBytes, HostileGgufTest::open))
                .isGreaterThan(0.5);
    }

    @Test
    void theVersionBeforeIsReadAndAnotherSaysWhichOneItIs() throws Exception {
        // Of 2023; llama.cpp reads both alike.
        open(changed(file -> file.putInt(4, 2)));
        assertThatThrownBy(() -> open(changed(file -> file.putInt(4, 1))))
                .hasMessage("hostile.gguf: at byte 4: version 1, expected 2 or 3; convert the model again with a newer"
                        + " tool");
        assertThatThrownBy(() -> open(changed(file -> file.putInt(4, 4))))
                .hasMessageContaining("written by a newer tool");
        assertThatThrownBy(() -> open(changed(file -> file.putInt(4, 0x03000000))))
                .hasMessageContaining("is big-endian");
    }

    @Test
    void countsBeyondTheFileAreRefusedBeforeAnythingIsAllocated() {
        assertThatThrownBy(() -> open(changed(file -> file.putLong(8, Long.MAX_VALUE))))
                .hasMessageContaining("9223372036854775807 times a tensor, but only");
        assertThatThrownBy(() -> open(changed(file -> file.putLong(16, -1))))
                .hasMessageContaining("18446744073709551615 times a key, but only");
    }

    @Test
    void keysThatTheFormatForbidsAreRefused() {
        refusedKey(GgufValue.Type.U64, key -> key.putLong(-1), "key 'k' is 18446744073709551615, beyond 2^63");
        refusedKey(GgufValue.Type.BOOL, key -> key.put((byte) 2), "key 'k' is 2, expected 0 or 1 for a bool");
        refusedKey(GgufValue.Type.ARRAY, key -> key.putInt(9).putInt(9).putLong(1), "an array of arrays");
        refusedKey(GgufValue.Type.ARRAY, key -> key.putInt(0).putLong(1L << 40), "times a value of 'k', but only");
        refusedKey(
                GgufValue.Type.ARRAY, key -> key.putInt(0).putLong((1 << 22) + 1), "more than 4194304 metadata values");
    }

    private static void refusedKey(GgufValue.Type type, Consumer<ByteBuffer> value, String message) {
        refused(0, 1, header -> value.accept(header.putLong(1).put((byte) 'k').putInt(type.id())), message);
    }

    @Test
    void anAlignmentThatTheFormatForbidsIsRefused() {
        byte[] key = GgufHeader.ALIGNMENT_KEY.getBytes(StandardCharsets.UTF_8);
        for (int alignment : new int[] {0, 24, 1 << 21, -1}) {
            refused(
                    0,
                    1,
                    header -> header.putLong(key.length)
                            .put(key)
                            .putInt(GgufValue.Type.U32.id())
                            .putInt(alignment),
                    "expected a U32 power of two up to 1048576");
        }
        refused(
                0,
                1,
                header -> header.putLong(key.length)
                        .put(key)
                        .putInt(GgufValue.Type.U64.id())
                        .putLong(32),
                "expected a U32 power of two");
    }

    @Test
    void tensorsThatTheFormatForbidsAreRefused() {
        refusedTensor(0, 0, "has 0 dimensions, expected 1 to 4");
        refusedTensor(0, 0, "has 5 dimensions, expected 1 to 4", 1, 1, 1, 1, 1);
        refusedTensor(0, 0, "has an extent of 0, expected at least 1", 0);
        refusedTensor(0, 0, "has an extent of -1, expected at least 1", -1, -1);
        refusedTensor(99, 0, "has type 99, which is none that is known", 32);
        refusedTensor(GgufType.Q8_0.id(), 0, "has rows of 33, expected whole blocks of Q8_0 (32)", 33);
        refusedTensor(0, 32, "has offset 32, expected 0", 8);
        refusedTensor(0, 0, "has more than 2^63 elements", 1L << 32, 1L << 32);
        refusedTensor(0, 0, "is larger than any file", 1L << 62);
        refusedTensor(0, 0, "is larger than any file", 1L << 60);
    }

    /** A tensor of these extents, the length of its rows first. */
    private static void refusedTensor(int type, long offset, String message, long... extents) {
        refused(
                1,
                0,
                header -> {
                    header.putLong(1).put((byte) 't').putInt(extents.length);
                    for (long extent : extents) {
                        header.putLong(extent);
                    }
                    header.putInt(type).putLong(offset);
                },
                message);
    }

    private static void refused(long tensors, long keys, Consumer<ByteBuffer> rest, String message) {
        ByteBuffer header = ByteBuffer.allocate(5 << 20).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(GgufHeader.MAGIC)
                .putInt(GgufHeader.VERSION)
                .putLong(tensors)
                .putLong(keys);
        rest.accept(header);
        assertThatThrownBy(() -> GgufReader.over("hostile.gguf", MemorySegment.ofArray(header.array())))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aKeyThatAppearsTwiceIsRefused() {
        assertThatThrownBy(() -> open(replaced("general.name", "general.type")))
                .hasMessageContaining("key 'general.type' appears twice");
    }

    @Test
    void aTensorThatAppearsTwiceIsRefused() {
        assertThatThrownBy(() -> open(replaced("blk.0.attn_k.weight", "blk.0.attn_q.weight")))
                .hasMessageContaining("tensor 'blk.0.attn_q.weight' appears twice");
    }

    @Test
    void configThatContradictsTheKeysIsRefused() {
        assertThatThrownBy(() -> open(replaced("\"rope_theta\":10000.0", "\"rope_theta\":20000.0")))
                .hasMessageContaining("the rotary base is 10000.0 by its keys, but 20000.0 in 'millrace.config'");
    }

    @Test
    void surplusBytesAreRefused() {
        assertThatThrownBy(() -> open(java.util.Arrays.copyOf(valid, valid.length + 1)))
                .hasMessageContaining("but its last tensor ends at");
    }

    @Test
    void theUndamagedFileIsRead() throws Exception {
        open(valid);
    }

    /** Opens a model and reads all of it. */
    private static void open(byte[] bytes) throws IOException {
        GgufReader reader = GgufReader.over("hostile.gguf", MemorySegment.ofArray(bytes));
        try (GgufWeights weights = GgufWeights.of(reader)) {
            for (TensorSpec spec : weights.tensors()) {
                MemorySegment target = MemorySegment.ofArray(
                        new float[Math.toIntExact(spec.shape().elements())]);
                weights.read(spec.name(), 0, spec.shape().rows(), target);
            }
        }
    }

    private static byte[] changed(Consumer<ByteBuffer> change) {
        byte[] copy = valid.clone();
        change.accept(ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN));
        return copy;
    }

    /** The file with the first occurrence of a text replaced by another of the same length. */
    private static byte[] replaced(String text, String by) {
        byte[] from = text.getBytes(StandardCharsets.UTF_8);
        byte[] to = by.getBytes(StandardCharsets.UTF_8);
        assertThat(to).hasSameSizeAs(from);
        for (int i = 0; i <= valid.length - from.length; i++) {
            if (java.util.Arrays.equals(valid, i, i + from.length, from, 0, from.length)) {
                byte[] copy = valid.clone();
                System.arraycopy(to, 0, copy, i, to.length);
                return copy;
            }
        }
        throw new AssertionError("'" + text + "' is not in the file");
    }
}
