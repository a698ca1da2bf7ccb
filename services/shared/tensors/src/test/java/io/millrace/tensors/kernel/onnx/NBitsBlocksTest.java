package io.millrace.tensors.kernel.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NBitsBlocksTest {
    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void codesAndScalesAreThoseOfOnnxRuntimesOwnQuantizer(int bits) throws IOException {
        JsonNode golden = golden();
        float[] weights = floats(golden.path("weights").asText());
        byte[] codes = new byte[weights.length * bits / 8];
        float[] scales = new float[weights.length / NBitsBlocks.ELEMENTS];

        NBitsBlocks.quantize(bits, weights, weights.length, codes, scales);

        assertThat(scales).isEqualTo(floats(golden.path("scales" + bits).asText()));
        assertThat(HexFormat.of().formatHex(codes))
                .isEqualTo(golden.path("codes" + bits).asText());
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void noWeightMovesByMoreThanAStepAndTheLargestByNone(int bits) {
        long seed = 3;
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        float[] weights = new float[64 * NBitsBlocks.ELEMENTS];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(-20, 20)));
        }

        byte[] codes = new byte[weights.length * bits / 8];
        float[] scales = new float[64];
        NBitsBlocks.quantize(bits, weights, weights.length, codes, scales);
        float[] read = new float[weights.length];
        new NBits(bits, NBitsBlocks.ELEMENTS).dequantize(codes, scales, read.length, read);

        for (int block = 0; block < 64; block++) {
            int largest = block * NBitsBlocks.ELEMENTS;
            for (int i = largest; i < (block + 1) * NBitsBlocks.ELEMENTS; i++) {
                // The code opposite to the lowest is one short of it: a whole step at most, half of one elsewhere.
                assertThat(Math.abs(weights[i] - read[i])).isLessThanOrEqualTo(Math.abs(scales[block]) * 1.0001f);
                largest = Math.abs(weights[i]) > Math.abs(weights[largest]) ? i : largest;
            }
            assertThat(read[largest]).isEqualTo(weights[largest]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void zerosAndNumbersWithoutAReciprocalBecomeZeros(int bits) {
        float[] weights = new float[2 * NBitsBlocks.ELEMENTS];
        java.util.Arrays.fill(weights, NBitsBlocks.ELEMENTS, weights.length, Float.MIN_VALUE);

        byte[] codes = new byte[weights.length * bits / 8];
        float[] scales = new float[2];
        NBitsBlocks.quantize(bits, weights, weights.length, codes, scales);
        float[] read = new float[weights.length];
        new NBits(bits, NBitsBlocks.ELEMENTS).dequantize(codes, scales, read.length, read);

        for (float value : read) {
            assertThat(value).isZero();
        }
        assertThat(scales).containsOnly(-0f);
        assertThat(codes).containsOnly((byte) (bits == 4 ? 0x88 : 0x80));
    }

    private static JsonNode golden() throws IOException {
        try (InputStream in = Objects.requireNonNull(NBitsBlocksTest.class.getResourceAsStream("golden.json"))) {
            return new ObjectMapper().readTree(in);
        }
    }

    private static float[] floats(String hex) {
        ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(hex)).order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[bytes.capacity() / Float.BYTES];
        bytes.asFloatBuffer().get(floats);
        return floats;
    }
}
