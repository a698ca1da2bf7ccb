package io.millrace.tensors.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.Random;
import java.util.function.Supplier;
import jdk.incubator.vector.IntVector;
import org.junit.jupiter.api.Test;

class LaneBytesTest {
    private static final long SEED = 20261128;
    private static final int NUMBERS = 48;

    @Test
    void everyVectorWidthStoresTheLowBytes() {
        byte[] expected = new byte[NUMBERS];
        int[] numbers = numbers();
        for (int i = 0; i < NUMBERS; i++) {
            expected[i] = (byte) numbers[i];
        }

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, Stored.class)).as("%d bits", bits).isEqualTo(expected);
        }
    }

    @Test
    void everyVectorWidthPacksTheFirstOfAPairLow() {
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        for (int count = 0; count <= 2 * NUMBERS; count += 2) {
            byte[] codes = codes(count);
            for (int i = 0; i < count; i += 2) {
                expected.write(codes[i] | codes[i + 1] << 4);
            }
        }

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, Packed.class)).as("%d bits", bits).isEqualTo(expected.toByteArray());
        }
    }

    private static int[] numbers() {
        return new Random(SEED).ints(NUMBERS).toArray();
    }

    private static byte[] codes(int count) {
        byte[] codes = new byte[count];
        Random random = new Random(SEED);
        for (int i = 0; i < count; i++) {
            codes[i] = (byte) random.nextInt(16);
        }
        return codes;
    }

    /** Loaded anew for each width. */
    public static final class Stored implements Supplier<byte[]> {
        @Override
        public byte[] get() {
            byte[] bytes = new byte[NUMBERS];
            for (int i = 0; i < NUMBERS; i += Lanes.INTS.length()) {
                LaneBytes.store(IntVector.fromArray(Lanes.INTS, numbers(), i), bytes, i);
            }
            return bytes;
        }
    }

    /** Loaded anew for each width. */
    public static final class Packed implements Supplier<byte[]> {
        @Override
        public byte[] get() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (int count = 0; count <= 2 * NUMBERS; count += 2) {
                byte[] packed = new byte[count / 2];
                LaneBytes.packNibbles(codes(count), count, packed, 0);
                all.writeBytes(packed);
            }
            return all.toByteArray();
        }
    }
}
