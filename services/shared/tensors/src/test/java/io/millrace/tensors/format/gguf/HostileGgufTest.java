package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DamagedBytes;
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
