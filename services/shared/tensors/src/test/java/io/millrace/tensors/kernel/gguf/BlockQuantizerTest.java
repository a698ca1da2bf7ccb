package io.millrace.tensors.kernel.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.Widths;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockQuantizerTest {
    private static final long SEED = 20261124;

    @ParameterizedTest
    @EnumSource
    void bytesAreThoseOfLlamaCppOnEveryKindOfRow(GgufType type) throws Throwable {
        Optional<PeerLibrary> library = libraryThatKnows(type);
        assumeTrue(library.isPresent(), "skipped: no library for " + type + " on this machine");
        System.out.println("seed " + SEED);

        for (Map.Entry<String, float[]> kind : Rows.kinds(SEED, 16).entrySet()) {
            byte[] expected = library.get().quantize(type, kind.getValue(), Rows.LENGTH);

            assertThat(HexFormat.of().formatHex(scalar(type, kind.getValue())))
                    .as("%s, %s", type, kind.getKey())
                    .isEqualTo(HexFormat.of().formatHex(expected));
        }
    }

    @ParameterizedTest
    @EnumSource
    void fastKernelsGiveTheBytesOfTheSpecification(GgufType type) {
        System.out.println("seed " + SEED);
        for (Map.Entry<String, float[]> kind : Rows.kinds(SEED, 5).entrySet()) {
            assertThat(quantize(type, kind.getValue()))
                    .as("%s, %s", type, kind.getKey())
                    .isEqualTo(scalar(type, kind.getValue()));
        }
    }

    /** Where the reference's logarithm is rounded, and at and beside what lies between two codes. */
    @Test
    void fastMicroscaledKernelGivesTheBytesOfTheSpecificationAtEveryEdge() {
        for (int exponent = Float.MIN_EXPONENT - 24; exponent <= Float.MAX_EXPONENT; exponent++) {
            for (int mantissa : new int[] {0, 1, 0x40_0000, 0x7f_feff, 0x7f_ff00, 0x7f_fff0, 0x7f_ffff}) {
                float largest = Math.scalb(Float.intBitsToFloat(Float.floatToRawIntBits(1f) | mantissa), exponent);
                float[] block = microscaledEdges(largest);

                assertThat(quantize(GgufType.MXFP4, block))
                        .as("largest %s", Float.toHexString(largest))
                        .isEqualTo(scalar(GgufType.MXFP4, block));
            }
        }
    }

    private static float[] microscaledEdges(float largest) {
        float[] block = new float[32];
        float unit = Math.scalb(1f, Math.getExponent(largest) - 3);
        float[] midpoints = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10};
        for (int i = 0; i < 31; i++) {
            float midpoint = midpoints[i % 7] * unit;
            float near = i < 7 ? midpoint : i < 14 ? Math.nextUp(midpoint) : Math.nextDown(midpoint);
            block[i] = i % 2 == 0 ? Math.min(near, largest) : -Math.min(near, largest);
        }
        block[31] = largest;
        return block;
    }

    @ParameterizedTest
    @EnumSource
    void bytesWithImportancesAreThoseOfLlamaCppOnEveryKindOfRow(GgufType type) throws Throwable {
        Optional<PeerLibrary> library = libraryThatKnows(type);
        assumeTrue(library.isPresent(), "skipped: no library for " + type + " on this machine");
        System.out.println("seed " + SEED);

        for (Map.Entry<String, float[]> importance : Rows.importances(SEED).entrySet()) {
            for (Map.Entry<String, float[]> kind : Rows.kinds(SEED, 4).entrySet()) {
                byte[] expected = library.get().quantize(type, kind.getValue(), Rows.LENGTH, importance.getValue());
                byte[] actual = scalar(type, kind.getValue(), importance.getValue());

                for (int at = 0; at < expected.length; at += type.blockBytes()) {
                    // This version of the library divides zero by zero now and then; later ones write 0, as we do.
                    if (PeerDigests.finite(type, Arrays.copyOfRange(expected, at, at + type.blockBytes()))) {
                        assertThat(HexFormat.of().formatHex(actual, at, at + type.blockBytes()))
                                .as("%s, %s, %s, byte %d", type, kind.getKey(), importance.getKey(), at)
                                .isEqualTo(HexFormat.of().formatHex(expected, at, at + type.blockBytes()));
                    }
                }
            }
        }
    }

    @Test
    void bytesHaveTheDigestsOfLlamaCppOnEveryMachine() throws Throwable {
        Map<String, float[]> importances = PeerDigests.importances();
        for (String line : resource("peer-digests.txt").lines().toList()) {
            String[] fields = line.split("\t", -1);
            GgufType type = GgufType.valueOf(fields[0]);
            String digest = PeerDigests.digest(
                    type,
                    importances.get(fields[1]),
                    List.of(fields[3].split(",")),
                    (of, rows, columns) -> columns.length == 0 ? scalar(of, rows) : scalar(of, rows, columns));

            assertThat(digest).as("%s, importance %s", type, fields[1]).isEqualTo(fields[2]);
        }
    }

    @ParameterizedTest
    @EnumSource
    void fastKernelsWithImportancesGiveTheBytesOfTheSpecification(GgufType type) {
        System.out.println("seed " + SEED);
        for (Map.Entry<String, float[]> importance : Rows.importances(SEED).entrySet()) {
            for (Map.Entry<String, float[]> kind : Rows.kinds(SEED, 2).entrySet()) {
                assertThat(quantize(type, kind.getValue(), importance.getValue()))
                        .as("%s, %s, %s", type, kind.getKey(), importance.getKey())
                        .isEqualTo(scalar(type, kind.getValue(), importance.getValue()));
            }
        }
    }

    @Test
    @Tag("promise-4")
    @DisplayName("Promise 4: the width of the vectors changes no bit of a GGUF block")
    void theWidthOfTheVectorsChangesNoBit() {
        byte[] specified = KernelProbe.digest(BlockQuantizer::scalar, BlockQuantizer::scalar);

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, KernelProbe.class)).as("%d bits", bits).isEqualTo(specified);
        }
    }

    @Test
    void rowsThatAreNotWholeBlocksAreRefused() {
        assertThatThrownBy(() -> BlockQuantizer.quantize(GgufType.Q4_K, new float[64], 0, 64, new byte[144], 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("64 elements are not whole blocks of Q4_K (256 elements)");
    }

    @Test
    void noElementsGiveNoBytes() {
        BlockQuantizer.quantize(GgufType.Q8_0, new float[0], 0, 0, new byte[0], 0);
    }

    /** b4916 does not know MXFP4. */
    private static Optional<PeerLibrary> libraryThatKnows(GgufType type) throws Throwable {
        return type == GgufType.MXFP4 ? PeerLibrary.newer() : PeerLibrary.load();
    }

    private static byte[] quantize(GgufType type, float[] rows) {
        byte[] bytes = new byte[(int) type.rowBytes(rows.length)];
        BlockQuantizer.quantize(type, rows, 0, rows.length, bytes, 0);
        return bytes;
    }

    private static byte[] scalar(GgufType type, float[] rows) {
        byte[] bytes = new byte[(int) type.rowBytes(rows.length)];
        BlockQuantizer.scalar(type, rows, 0, rows.length, bytes, 0);
        return bytes;
    }

    private static byte[] quantize(GgufType type, float[] rows, float[] importance) {
        return weighted(BlockQuantizer::quantize, type, rows, importance);
    }

    private static byte[] scalar(GgufType type, float[] rows, float[] importance) {
        return weighted(BlockQuantizer::scalar, type, rows, importance);
    }

    private static byte[] weighted(KernelProbe.WeightedKernel kernel, GgufType type, float[] rows, float[] importance) {
        byte[] bytes = new byte[(int) type.rowBytes(rows.length)];
        int rowBytes = (int) type.rowBytes(importance.length);
        for (int row = 0; row < rows.length / importance.length; row++) {
            kernel.quantize(
                    type, rows, row * importance.length, importance.length, importance, 0, bytes, row * rowBytes);
        }
        return bytes;
    }

    private static String resource(String name) throws Exception {
        try (InputStream in = BlockQuantizerTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
