package io.millrace.tensors.kernel.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.Widths;
import io.millrace.tensors.kernel.convert.HalfFloats;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class VectorRowsTest {
    /** More than a block has. */
    private static final int ROWS = 140;

    /** Whole pieces, and rows that end inside a piece and inside a vector. */
    private static final int[] LENGTHS = {1, 16, 300};

    @Test
    @Tag("promise-4")
    @DisplayName("Promise 4: the width of the vectors changes no bit of a row")
    void everyVectorWidthGivesTheCodesScalesAndSumsOfTheScalarTwin() {
        byte[] scalar = quantized(false);

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, VectorBits.class)).as("%d bits", bits).isEqualTo(scalar);
        }
    }

    @Test
    void rowOfZerosHasTheEpsilonOfTheScaleTypeAndNoLoss() {
        byte[] codes = new byte[20];
        MemorySegment scales = MemorySegment.ofArray(new byte[2]);
        RoundingLoss loss = new RoundingLoss();

        new VectorRows(new RowFormat(Code.E4M3, true, DType.BF16))
                .quantize(new float[20], 20, codes, scales, new byte[1], loss);

        assertThat(HalfFloats.fromBf16(scales.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0)))
                .isEqualTo(0x1p-7f);
        assertThat(codes).containsOnly(0);
        assertThat(loss.relativeError()).isZero();
        assertThat(loss.zerosBefore()).isEqualTo(20);
        assertThat(loss.zerosAfter()).isEqualTo(20);
    }

    @Test
    void integersAreRoundedHalfToEvenAndClamped() {
        float[] weights = {127.5f, -127.5f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f};
        byte[] codes = new byte[7];

        new VectorRows(new RowFormat(Code.INT8, true, DType.BF16))
                .quantize(weights, 7, codes, MemorySegment.ofArray(new byte[2]), new byte[1], new RoundingLoss());

        assertThat(codes).containsExactly(127, -128, 0, 2, 2, 0, -2);
    }

    @Test
    void floatsAreRoundedHalfToEvenAndStopAtTheLargest() {
        // 449 / 448 is stored as 1 in BF16.
        float[] weights = {449, -449, 17, 19, 0x1p-10f, 0x3p-10f, -0x1p-12f};
        byte[] codes = new byte[7];
        MemorySegment scales = MemorySegment.ofArray(new byte[2]);

        new VectorRows(new RowFormat(Code.E4M3, true, DType.BF16))
                .quantize(weights, 7, codes, scales, new byte[1], new RoundingLoss());

        assertThat(HalfFloats.fromBf16(scales.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0)))
                .isEqualTo(1f);
        // 448, -448, 16, 20, 0, 2^-8, -0; a weight of -0 would be 0.
        assertThat(codes).containsExactly(0x7e, (byte) 0xfe, 0x58, 0x5a, 0, 2, (byte) 0x80);
    }

    @Test
    void smallFloatsAreRoundedHalfToEvenAndStopAtTheLargest() {
        // 6.01 / 6 is stored as 1 in BF16.
        float[] weights = {6.01f, -6.01f, 0.25f, 0.75f, 1.25f, -1.75f, 2.5f, 3.5f, 5, -0.1f, -0f};
        byte[] codes = new byte[11];

        new VectorRows(new RowFormat(Code.E2M1, true, DType.BF16))
                .quantize(weights, 11, codes, MemorySegment.ofArray(new byte[2]), new byte[1], new RoundingLoss());

        // 6, -6, 0, 1, 1, -2, 2, 4, 4, -0, 0.
        assertThat(codes).containsExactly(7, 15, 0, 2, 2, 12, 4, 6, 6, 8, 0);
    }

    @Test
    void otherFormatsAreRefused() {
        assertThatThrownBy(() -> new RowFormat(Code.E4M3, false, DType.BF16))
                .hasMessage("found codes of E4M3 with zero points, expected integers");
        assertThatThrownBy(() -> new RowFormat(Code.INT8, true, DType.F32))
                .hasMessage("found scales of F32, expected BF16 or F16");
    }

    /** Ordinary, tiny, huge, sparse, constant and zero rows, and some whose weights differ by many powers of two. */
    private static float[] weights(int length, DType scales) {
        Random random = new Random(12);
        float[] weights = new float[ROWS * length];
        for (int i = 0; i < weights.length; i++) {
            float value = (float) random.nextGaussian();
            weights[i] = switch (i / length % 7) {
                case 0 -> value * 1e-41f;
                // No F16 scale is large enough, and no F16 checkpoint holds such weights.
                case 1 -> scales == DType.F16 ? 1 : value * 1e37f;
                case 2 -> random.nextInt(10) == 0 ? value : 0;
                case 3 -> 0.25f;
                case 4 -> 0;
                case 5 -> Math.scalb(value, -random.nextInt(16));
                default -> i % length < 3 ? -0f : value * 0.02f;
            };
        }
        return weights;
    }

    private static byte[] quantized(boolean vector) {
        ByteBuffer out = ByteBuffer.allocate(1 << 22);
        for (Code code : Code.values()) {
            for (boolean symmetric : code.floating() ? new boolean[] {true} : new boolean[] {true, false}) {
                for (DType scales : new DType[] {DType.BF16, DType.F16}) {
                    for (int length : LENGTHS) {
                        float[] weights = weights(length, scales);
                        RowFormat format = new RowFormat(code, symmetric, scales);
                        rows(format, weights, length, vector, out);
                        if (symmetric) {
                            blocks(format, weights, length, vector, out);
                        }
                    }
                }
            }
        }
        groups(FloatFormat.mx(), weights(128, DType.BF16), vector, out);
        groups(FloatFormat.nv(0.08f), weights(128, DType.F16), vector, out);
        groups(FloatFormat.nv(0), weights(128, DType.F16), vector, out);
        return out.array();
    }

    private static void rows(RowFormat format, float[] weights, int length, boolean vector, ByteBuffer out) {
        RoundingLoss loss = new RoundingLoss();
        byte[] codes = new byte[weights.length];
        byte[] zeroPoints = new byte[ROWS];
        ByteBuffer scales = ByteBuffer.allocate(ROWS * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (vector) {
            new VectorRows(format)
                    .quantize(weights, length, codes, MemorySegment.ofArray(scales.array()), zeroPoints, loss);
        } else {
            for (int row = 0; row < ROWS; row++) {
                GroupScale scale = ScalarRows.quantize(format, weights, row * length, length, codes, loss);
                scales.putShort(scale.stored());
                zeroPoints[row] = (byte) scale.zeroPoint();
            }
        }
        out.put(codes).put(scales.array()).put(zeroPoints);
        put(loss, out);
    }

    private static void blocks(RowFormat format, float[] weights, int length, boolean vector, ByteBuffer out) {
        RoundingLoss loss = new RoundingLoss();
        byte[] codes = new byte[weights.length];
        ByteBuffer scales = ByteBuffer.allocate(8 * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (vector) {
            new VectorBlocks(format)
                    .quantize(weights, ROWS, length, codes, MemorySegment.ofArray(scales.array()), loss);
        } else {
            for (int row = 0; row < ROWS; row += VectorBlocks.SIDE) {
                for (int column = 0; column < length; column += VectorBlocks.SIDE) {
                    scales.putShort(ScalarBlocks.quantize(format, weights, ROWS, length, row, column, codes, loss));
                }
            }
        }
        out.put(codes).put(scales.array());
        put(loss, out);
    }

    private static void groups(FloatFormat format, float[] weights, boolean vector, ByteBuffer out) {
        RoundingLoss loss = new RoundingLoss();
        byte[] codes = new byte[weights.length];
        byte[] scales = new byte[weights.length / format.groupSize()];
        if (vector) {
            new VectorFloats(format).quantize(weights, codes, scales, loss);
        } else {
            for (int group = 0; group < scales.length; group++) {
                scales[group] = ScalarFloats.quantize(format, weights, group * format.groupSize(), codes, loss);
            }
        }
        out.put(codes).put(scales);
        put(loss, out);
    }

    private static void put(RoundingLoss loss, ByteBuffer out) {
        out.putDouble(loss.relativeError()).putDouble(loss.maxError());
        out.putLong(loss.zerosBefore()).putLong(loss.zerosAfter());
    }

    /** Loaded anew for each width. */
    public static final class VectorBits implements Supplier<byte[]> {
        @Override
        public byte[] get() {
            return quantized(true);
        }
    }
}
