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
import java.util.Locale;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** IQ4_NL, IQ4_XS, TQ2_0 and MXFP4 against what llama.cpp v0.5.0 made of the same numbers. */
class CodebookTypesTest {
    private static JsonNode golden;

    @BeforeAll
    static void readGoldenVectors() throws Exception {
        try (InputStream in = CodebookTypesTest.class.getResourceAsStream("golden-codebooks.json")) {
            golden = new ObjectMapper().readTree(in);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"IQ4_NL", "IQ4_XS", "TQ2_0", "MXFP4"})
    @Tag("promise-4")
    @DisplayName("Promise 4: blocks of codebook types have the bytes of the reference vectors")
    void bytesAreThoseOfTheReferenceVectors(GgufType type) throws Exception {
        byte[] bytes = quantize(type, Rows.golden());

        requireGolden("ref", type, bytes);
    }

    @ParameterizedTest
    @EnumSource(names = {"IQ4_NL", "IQ4_XS"})
    void bytesWithImportanceAreThoseOfTheReferenceVectors(GgufType type) throws Exception {
        requireGolden("imatrix", type, quantize(type, Rows.golden(), Rows.goldenImportance()));
    }

    @ParameterizedTest
    @EnumSource(names = {"IQ4_NL", "IQ4_XS", "TQ2_0", "MXFP4"})
    void tiesZerosAndHeavyCentresAreRoundedAsTheReferenceDoes(GgufType type) throws Exception {
        float[] pattern = new float[Rows.LENGTH];
        for (int i = 0; i < pattern.length; i++) {
            pattern[i] = (i % 7 - 3) / 8f;
        }
        float[] cubed = Rows.golden();
        for (int i = 0; i < cubed.length; i++) {
            cubed[i] = cubed[i] * cubed[i] * cubed[i];
        }
        byte[] zeros = quantize(type, new float[type.blockElements()]);

        assertThat(sha256(quantize(type, pattern)))
                .isEqualTo(golden.path("pattern").path("sha256").path(key(type)).asText());
        assertThat(sha256(quantize(type, cubed)))
                .isEqualTo(golden.path("cubed").path("sha256").path(key(type)).asText());
        assertThat(HexFormat.of().formatHex(zeros))
                .isEqualTo(golden.path("all_zero_block_hex").path(key(type)).asText());
    }

    @Test
    void exponentsOfMxfp4AreThoseOfALogarithmInSinglePrecision() {
        for (JsonNode edge : golden.path("mxfp4_edges")) {
            float[] row = new float[32];
            row[0] = (float) Double.parseDouble(edge.path(0).asText());

            byte[] bytes = quantize(GgufType.MXFP4, row);

            assertThat(HexFormat.of().formatHex(bytes, 0, 2))
                    .as("%s", row[0])
                    .isEqualTo(edge.path(1).asText());
        }
    }

    private static void requireGolden(String part, GgufType type, byte[] bytes) throws Exception {
        JsonNode expected = golden.path(part).path(key(type));
        float[] row = Rows.golden();
        float[] back = new float[row.length];
        BlockDequantizer.dequantize(type, bytes, 0, row.length, back, 0);
        ByteBuffer stored = ByteBuffer.allocate(4 * row.length).order(ByteOrder.LITTLE_ENDIAN);
        stored.asFloatBuffer().put(back);

        assertThat(HexFormat.of().formatHex(bytes, 0, type.blockBytes()))
                .isEqualTo(expected.path("first_block_hex").asText());
        assertThat(sha256(bytes)).isEqualTo(expected.path("sha256").asText());
        assertThat(sha256(stored.array()))
                .isEqualTo(expected.path("dequant_sha256").asText());
        assertThat(rootMeanSquare(row, back)).isCloseTo(expected.path("rmse").asDouble(), within(1e-6));
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

    private static String key(GgufType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
