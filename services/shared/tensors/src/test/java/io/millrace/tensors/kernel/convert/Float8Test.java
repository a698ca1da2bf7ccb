package io.millrace.tensors.kernel.convert;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class Float8Test {
    @Test
    void everyCodeMeansWhatItsFieldsSay() {
        for (int code = 0; code < 256; code++) {
            int exponent = (code >> 3) & 15;
            int mantissa = code & 7;
            double magnitude = exponent == 0 ? mantissa * 0x1p-9 : (8 + mantissa) * Math.scalb(1.0, exponent - 10);
            double expected = (code & 0x7f) == 0x7f ? Double.NaN : code < 128 ? magnitude : -magnitude;

            assertThat((double) Float8.fromE4m3((byte) code))
                    .as("code %d", code)
                    .isEqualTo(Double.valueOf(expected));
        }
        assertThat(Float8.fromE4m3((byte) 0x7e)).isEqualTo(Float8.LARGEST);
    }

    @Test
    void everyHalfFloatBecomesTheNearestCodeAndOfTwoTheEven() {
        List<byte[]> wrong = new ArrayList<>();
        for (int bits = 0; bits <= 0xffff; bits++) {
            float value = HalfFloats.fromF16((short) bits);
            byte found = Float8.toE4m3(value);
            if (found != nearest(value)) {
                wrong.add(new byte[] {(byte) (bits >> 8), (byte) bits, found, nearest(value)});
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void floatsBesideEachTieGoToTheNearerCode() {
        for (int code = 0; code < 0x7e; code++) {
            float tie = (Float8.fromE4m3((byte) code) + Float8.fromE4m3((byte) (code + 1))) / 2;

            assertThat(Float8.toE4m3(Math.nextDown(tie))).isEqualTo((byte) code);
            assertThat(Float8.toE4m3(tie)).isEqualTo((byte) (code + code % 2));
            assertThat(Float8.toE4m3(Math.nextUp(tie))).isEqualTo((byte) (code + 1));
            assertThat(Float8.toE4m3(-Math.nextUp(tie))).isEqualTo((byte) (code + 1 | 0x80));
        }
    }

    /** By search among all codes. */
    private static byte nearest(float value) {
        int sign = Float.floatToRawIntBits(value) < 0 ? 0x80 : 0;
        if (Float.isNaN(value)) {
            return (byte) (sign | 0x7f);
        }
        int best = 0;
        for (int code = 1; code < 0x7f; code++) {
            double distance = Math.abs((double) Math.abs(value) - Float8.fromE4m3((byte) code));
            double least = Math.abs((double) Math.abs(value) - Float8.fromE4m3((byte) best));
            boolean ofTwoTheEven = distance == least && code % 2 == 0;
            best = distance < least || ofTwoTheEven ? code : best;
        }
        // Infinity is equally far from all.
        return (byte) (sign | (Float.isInfinite(value) ? 0x7e : best));
    }
}
