package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Importance matrices as other tools write them. */
final class ImportanceFiles {
    static final int CALLS = 4;

    private ImportanceFiles() {}

    /** The older form: mean squares times {@link #CALLS}, and what text they come from. */
    static Path legacy(Path file, Map<String, float[]> means) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(means.size());
        means.forEach((name, values) -> {
            text(out, name);
            out.putInt(CALLS).putInt(values.length);
            for (float value : values) {
                out.putFloat(value * CALLS);
            }
        });
        out.putInt(CALLS);
        text(out, "calibration.txt");
        return Files.write(file, java.util.Arrays.copyOf(out.array(), out.position()));
    }

    private static void text(ByteBuffer out, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        out.putInt(utf8.length).put(utf8);
    }

    /** The GGUF form: sums over {@code rows} rows per matrix, a stack of {@code rows.length} matrices per tensor. */
    static Path gguf(Path file, Map<String, float[]> means, float... rows) throws IOException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("general.type", GgufValue.text("imatrix"));
        metadata.put("imatrix.datasets", GgufValue.texts(List.of("calibration.txt")));
        metadata.put("imatrix.chunk_count", GgufValue.u32(CALLS));
        metadata.put("imatrix.chunk_size", GgufValue.u32(512));
        List<GgufTensor> tensors = new ArrayList<>();
        Map<String, float[]> numbers = new LinkedHashMap<>();
        means.forEach((name, values) -> {
            float[] sums = values.clone();
            for (int i = 0; i < sums.length; i++) {
                sums[i] *= rows[i / (sums.length / rows.length)];
            }
            numbers.put(name + ".in_sum2", sums);
            tensors.add(new GgufTensor(
                    name + ".in_sum2", GgufType.F32, Shape.of(rows.length, values.length / rows.length), 0));
            numbers.put(name + ".counts", rows);
            tensors.add(new GgufTensor(name + ".counts", GgufType.F32, Shape.of(rows.length, 1), 0));
        });
        GgufHeader header = GgufHeader.laidOut(metadata, tensors);
        byte[] head = GgufHeaderEncoder.encode(header);
        ByteBuffer out =
                ByteBuffer.allocate(head.length + (int) header.dataBytes()).order(ByteOrder.LITTLE_ENDIAN);
        out.put(head);
        for (GgufTensor tensor : header.tensors()) {
            out.position(head.length + (int) tensor.offset());
            for (float value : numbers.get(tensor.name())) {
                out.putFloat(value);
            }
        }
        return Files.write(file, out.array());
    }
}
