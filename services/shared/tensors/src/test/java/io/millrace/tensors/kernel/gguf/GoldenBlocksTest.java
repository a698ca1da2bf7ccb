package io.millrace.tensors.kernel.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.tensors.GgufType;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each type of blocks against what llama.cpp v0.5.0 made of the same numbers. */
class GoldenBlocksTest {
    private static JsonNode golden;

    @BeforeAll
    static void readGoldenVectors() throws Exception {
        try (InputStream in = GoldenBlocksTest.class.getResourceAsStream("golden-blocks.json")) {
            golden = new ObjectMapper().readTree(in);
        }
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS",
                "TQ2_0", "MXFP4"
            })
    @Tag("promise-4")
    @DisplayName("Promise 4: quantized blocks have the bytes of the reference vectors")
    void bytesAreThoseOfTheReferenceVectors(GgufType type) throws Exception {
        byte[] bytes = quantize(type, Rows.golden());

        requireGolden("plain", type, bytes);
    }

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
    void bytesWithImportanceAreThoseOfTheReferenceVectors(GgufType type) throws Exception {
        requireGolden("importance", type, quantize(type, Rows.golden(), Rows.goldenImportance()));
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS",
                "TQ2_0", "MXFP4"
            })
    void tiesZerosAndHeavyCentresAreRoundedAsTheReferenceDoes(GgufType type) throws Exception {
        float[] ties = new float[Rows.LENGTH];
        for (int i = 0; i < ties.length; i++) {
            ties[i] = (i % 7 - 3) / 8f;
        }
        float[] cubed = Rows.golden();
        for (int i = 0; i < cubed.length; i++) {
            cubed[i] = cubed[i] * cubed[i] * cubed[i];
        }
        byte[] zeros = quantize(type, new float[type.blockElements()]);

        assertThat(sha256(quantize(type, ties)))
                .isEqualTo(golden.path("ties").path(type.name()).asText());
        assertThat(sha256(quantize(type, cubed)))
                .isEqualTo(golden.path("cubed").path(type.name()).asText());
        assertThat(HexFormat.of().formatHex(zeros))
                .isEqualTo(golden.path("zeros").path(type.name()).asText());
    }

    @Test
    void exponentsOfMxfp4AreThoseOfALogarithmInSinglePrecision() {
        for (JsonNode edge : golden.path("mxfp4-edges")) {
            float[] row = new float[32];
            row[0] = (float) Double.parseDouble(edge.path(0).asText());

            byte[] bytes = quantize(GgufType.MXFP4, row);

            assertThat(HexFormat.of().formatHex(bytes, 0, 2))
                    .as("%s", row[0])
                    .isEqualTo(edge.path(1).asText());
        }
    }

    private static void requireGolden(String part, GgufType type, byte[] bytes) throws Exception {
        JsonNode expected = golden.path(part).path(type.name());
        float[] row = Rows.golden();
        float[] back = new float[row.length];
        BlockDequantizer.dequantize(type, bytes, 0, row.length, back, 0);
        ByteBuffer stored = ByteBuffer.allocate(4 * row.length).order(ByteOrder.LITTLE_ENDIAN);
        stored.asFloatBuffer().put(back);

        assertThat(HexFormat.of().formatHex(bytes, 0, type.blockBytes()))
                .isEqualTo(expected.path("first-block").asText());
        assertThat(sha256(bytes)).isEqualTo(expected.path("sha256").asText());
        assertThat(sha256(stored.array()))
                .isEqualTo(expected.path("dequantized-sha256").asText());
        assertThat(rootMeanSquare(row, back))
                .isCloseTo(expected.path("root-mean-square-error").asDouble(), within(1e-7));
    }

    private static double rootMeanSquare(float[] before, float[] after) {
        double squares = 0;
        for (int i = 0; i < before.length; i++) {
            squares += Math.pow(before[i] - after[i], 2);
        }
        return Math.sqrt(squares / before.length);
    }

    private static byte[] quantize(GgufType type, float[] rows) {
        byte[] bytes = new byte[(int) type.rowBytes(rows.length)];
        BlockQuantizer.scalar(type, rows, 0, rows.length, bytes, 0);
        byte[] fast = new byte[bytes.length];
        BlockQuantizer.quantize(type, rows, 0, rows.length, fast, 0);
        assertThat(Arrays.equals(fast, bytes)).isTrue();
        return bytes;
    }

    private static byte[] quantize(GgufType type, float[] row, float[] importance) {
        byte[] bytes = new byte[(int) type.rowBytes(row.length)];
        BlockQuantizer.scalar(type, row, 0, row.length, importance, 0, bytes, 0);
        byte[] fast = new byte[bytes.length];
        BlockQuantizer.quantize(type, row, 0, row.length, importance, 0, fast, 0);
        assertThat(Arrays.equals(fast, bytes)).isTrue();
        return bytes;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
