package io.millrace.tensors.kernel.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.Widths;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ConversionTest {
    private static final int ALL_HALVES = 1 << 16;

    @Test
    void everyF16WidensAsTheJdkDoes() {
        for (int bits = 0; bits < ALL_HALVES; bits++) {
            float expected = Float.float16ToFloat((short) bits);
            float found = HalfFloats.fromF16((short) bits);
            if (Float.isNaN(expected)) {
                assertThat(found).isNaN();
            } else {
                assertThat(Float.floatToRawIntBits(found))
                        .as("F16 %04x", bits)
                        .isEqualTo(Float.floatToRawIntBits(expected));
            }
        }
    }

    @Test
    void f16NarrowsAsTheJdkDoesAroundEveryHalfAndEveryTie() {
        for (int bits = 0; bits < 0x7c00; bits++) {
            float here = HalfFloats.fromF16((short) bits);
            float next = HalfFloats.fromF16((short) (bits + 1));
            float tie = Float.isInfinite(next) ? 65520 : here + (next - here) / 2;
            for (float value : new float[] {here, Math.nextDown(tie), tie, Math.nextUp(tie), -tie}) {
                assertThat(HalfFloats.toF16(value)).as("%s", value).isEqualTo(Float.floatToFloat16(value));
            }
        }
    }

    @Test
    void bf16RoundsHalfToEvenAndKeepsNanAndInfinity() {
        assertThat(HalfFloats.toBf16(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
        assertThat(HalfFloats.toBf16(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
        assertThat(HalfFloats.toBf16(Float.intBitsToFloat(0x3f808001))).isEqualTo((short) 0x3f81);
        assertThat(HalfFloats.toBf16(Float.MAX_VALUE)).isEqualTo((short) 0x7f80);
        assertThat(HalfFloats.toBf16(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xff80);
        assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(Float.intBitsToFloat(0x7f800001))))
                .isNaN();
    }

    @Test
    void everyHalfSurvivesTheWayToF32AndBack() {
        for (DType type : new DType[] {DType.F16, DType.BF16}) {
            MemorySegment halves = allHalves();
            MemorySegment floats = MemorySegment.ofArray(new float[ALL_HALVES]);
            MemorySegment back = MemorySegment.ofArray(new byte[2 * ALL_HALVES]);

            Conversion.widen(type, halves, floats, ALL_HALVES);
            Conversion.narrow(type, floats, back, ALL_HALVES);

            for (int i = 0; i < ALL_HALVES; i++) {
                short before = halves.get(Conversion.FILE_SHORT, 2L * i);
                if (Float.isFinite(floats.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i))) {
                    assertThat(back.get(Conversion.FILE_SHORT, 2L * i)).isEqualTo(before);
                }
            }
        }
    }

    @Test
    @Tag("promise-4")
    @DisplayName("Promise 4: the width of the vectors changes no bit of a conversion")
    void everyVectorWidthGivesTheBitsOfTheScalarTwin() {
        byte[] scalar = new ScalarBits().get();

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, VectorBits.class)).as("%d bits", bits).isEqualTo(scalar);
        }
    }

    @Test
    void everyVectorWidthWidensNativeMemoryIntoThePartOfAnArray() {
        for (int bits : Widths.BITS) {
            byte[] found = Widths.at(bits, ArrayBits.class);

            assertThat(found).as("%d bits", bits).isEqualTo(ArrayBits.expected());
        }
    }

    @Test
    void firstNonFiniteIsFoundWhereverItIs() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (int at = 0; at < 67; at++) {
                float[] values = new float[67];
                values[at] = bad;
                values[66] = bad;
                assertThat(Conversion.firstNonFinite(MemorySegment.ofArray(values), 67))
                        .isEqualTo(at);
            }
        }
        // Many are looked at together: the end of such a piece, the next one, and the rest behind the last.
        for (int at : new int[] {16383, 16384, 16400, 33000, 33002}) {
            float[] values = new float[33003];
            values[at] = Float.NaN;
            assertThat(Conversion.firstNonFinite(MemorySegment.ofArray(values), values.length))
                    .isEqualTo(at);
        }
        assertThat(Conversion.firstNonFinite(MemorySegment.ofArray(new float[] {Float.MAX_VALUE}), 1))
                .isEqualTo(-1);
        assertThat(Conversion.firstNonFinite(MemorySegment.ofArray(new float[0]), 0))
                .isEqualTo(-1);
    }

    @Test
    void typesWithoutWeightsAreRefused() {
        MemorySegment empty = MemorySegment.ofArray(new byte[0]);
        for (DType type : DType.values()) {
            if (!type.isWeight()) {
                assertThatThrownBy(() -> Conversion.widen(type, empty, empty, 0))
                        .hasMessage(type + " is not a type of weights, expected F32, F16 or BF16");
                assertThatThrownBy(() -> Conversion.narrow(type, empty, empty, 0))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    static MemorySegment allHalves() {
        MemorySegment halves = MemorySegment.ofArray(new byte[2 * ALL_HALVES]);
        for (int i = 0; i < ALL_HALVES; i++) {
            halves.set(Conversion.FILE_SHORT, 2L * i, (short) i);
        }
        return halves;
    }

    /**
     * Random bit patterns, so that NaN, infinity and subnormals occur, and every tie between two F16 or BF16 numbers; an
     * odd count leaves a tail at every width.
     */
    static int[] patterns() {
        IntStream random = new Random(7).ints(20_001);
        IntStream f16Ties = IntStream.range(0, 0x7c00)
                .map(bits -> Float.floatToRawIntBits(HalfFloats.fromF16((short) bits)) | 0x1000);
        IntStream bf16Ties = IntStream.range(0, ALL_HALVES).map(bits -> (bits << 16) | 0x8000);
        return IntStream.concat(random, IntStream.concat(f16Ties, bf16Ties)).toArray();
    }

    /** All conversions by the kernels; loaded anew for each width. */
    public static final class VectorBits implements Supplier<byte[]> {
        @Override
        public byte[] get() {
            int[] patterns = patterns();
            MemorySegment floats = MemorySegment.ofArray(patterns);
            MemorySegment out = MemorySegment.ofArray(new byte[2 * 4 * ALL_HALVES + 2 * 2 * patterns.length]);
            long at = 0;
            for (DType type : new DType[] {DType.F16, DType.BF16}) {
                Conversion.widen(type, allHalves(), out.asSlice(at), ALL_HALVES);
                at += 4L * ALL_HALVES;
                Conversion.narrow(type, floats, out.asSlice(at), patterns.length);
                at += 2L * patterns.length;
            }
            return out.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** The same by the specification. */
    private static final class ScalarBits implements Supplier<byte[]> {
        @Override
        public byte[] get() {
            int[] patterns = patterns();
            MemorySegment out = MemorySegment.ofArray(new byte[2 * 4 * ALL_HALVES + 2 * 2 * patterns.length]);
            long at = 0;
            for (DType type : new DType[] {DType.F16, DType.BF16}) {
                for (int i = 0; i < ALL_HALVES; i++, at += 4) {
                    float wide = type == DType.F16 ? HalfFloats.fromF16((short) i) : HalfFloats.fromBf16((short) i);
                    out.set(ValueLayout.JAVA_INT_UNALIGNED, at, Float.floatToRawIntBits(wide));
                }
                for (int pattern : patterns) {
                    float value = Float.intBitsToFloat(pattern);
                    short narrow = type == DType.F16 ? HalfFloats.toF16(value) : HalfFloats.toBf16(value);
                    out.set(Conversion.FILE_SHORT, at, narrow);
                    at += 2;
                }
            }
            return out.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Widened halves in the middle of an array, without the last ones so that there is a tail; loaded anew for each width. */
    public static final class ArrayBits implements Supplier<byte[]> {
        private static final int BEFORE = 5;
        private static final int COUNT = ALL_HALVES - 3;

        @Override
        public byte[] get() {
            ByteBuffer out = ByteBuffer.allocate(2 * Float.BYTES * (BEFORE + ALL_HALVES));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment file = arena.allocate(2L * ALL_HALVES, Long.BYTES).copyFrom(allHalves());
                for (DType type : new DType[] {DType.F16, DType.BF16}) {
                    float[] floats = new float[BEFORE + ALL_HALVES];
                    MemorySegment part = MemorySegment.ofArray(floats).asSlice((long) BEFORE * Float.BYTES);
                    Conversion.widen(type, file, part, COUNT);
                    for (float value : floats) {
                        out.putInt(Float.floatToRawIntBits(value));
                    }
                }
            }
            return out.array();
        }

        static byte[] expected() {
            ByteBuffer out = ByteBuffer.allocate(2 * Float.BYTES * (BEFORE + ALL_HALVES));
            for (int i = 0; i < COUNT; i++) {
                int at = BEFORE + i;
                out.putInt(Float.BYTES * at, Float.floatToRawIntBits(HalfFloats.fromF16((short) i)));
                int second = BEFORE + ALL_HALVES + at;
                out.putInt(Float.BYTES * second, Float.floatToRawIntBits(HalfFloats.fromBf16((short) i)));
            }
            return out.array();
        }
    }
}
