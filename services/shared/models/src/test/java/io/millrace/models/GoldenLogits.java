package io.millrace.models;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * llama.cpp's logits of each {@link TinyModel}, so that machines without its library are guarded too: little-endian F32
 * of some positions [positions][vocabulary]. {@code LlamaTest} compares them with the library where it can, and writes
 * them anew with {@code -Dmillrace.golden=write}.
 */
public final class GoldenLogits {
    public static final int[] TOKENS =
            new SplittableRandom(8).ints(80, 0, TestModels.VOCABULARY).toArray();

    private static final int[] POSITIONS = {5, 32, 47, 64, 79};
    private static final String FOLDER = "golden-logits";

    private GoldenLogits() {}

    /** The rows that are kept. */
    public static float[][] kept(float[][] logits) {
        float[][] rows = new float[POSITIONS.length][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = logits[POSITIONS[i]];
        }
        return rows;
    }

    static float[][] kept(double[][] logits) {
        float[][] narrow = new float[logits.length][];
        for (int t = 0; t < narrow.length; t++) {
            narrow[t] = new float[logits[t].length];
            for (int v = 0; v < narrow[t].length; v++) {
                narrow[t][v] = (float) logits[t][v];
            }
        }
        return kept(narrow);
    }

    static float[][] of(TinyModel model) throws IOException {
        String file = "/" + FOLDER + "/" + model.name() + ".f32";
        try (InputStream in = Objects.requireNonNull(GoldenLogits.class.getResourceAsStream(file), file)) {
            ByteBuffer bytes = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
            float[][] rows = new float[POSITIONS.length][TestModels.VOCABULARY];
            for (float[] row : rows) {
                bytes.asFloatBuffer().get(row);
                bytes.position(bytes.position() + row.length * Float.BYTES);
            }
            return rows;
        }
    }

    /** Keeps the library's logits of all positions, if this run was asked to. */
    public static void write(TinyModel model, float[][] logits) throws IOException {
        if (!"write".equals(System.getProperty("millrace.golden"))) {
            return;
        }
        float[][] rows = kept(logits);
        ByteBuffer bytes = ByteBuffer.allocate(rows.length * TestModels.VOCABULARY * Float.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            for (float value : row) {
                bytes.putFloat(value);
            }
        }
        Path folder = Files.createDirectories(Path.of("src", "test", "resources", FOLDER));
        Files.write(folder.resolve(model.name() + ".f32"), bytes.array());
    }
}
