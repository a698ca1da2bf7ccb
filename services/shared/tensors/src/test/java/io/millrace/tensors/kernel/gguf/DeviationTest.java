package io.millrace.tensors.kernel.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.kernel.Widths;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class DeviationTest {
    private static final long SEED = 20261128;

    /** Tiles, whole columns and less. */
    private static final int[] COUNTS = {0, 1, 15, 16, 17, 1024, 2500};

    @Test
    void everyVectorWidthGivesTheNumbersOfTheSpecification() {
        System.out.println("seed " + SEED);
        byte[] specified = deviations(Deviation::scalar);

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, Measured.class)).as("%d bits", bits).isEqualTo(specified);
        }
    }

    @Test
    void errorsAndZerosAreThoseOfTheNumbers() {
        float[] before = new float[20];
        float[] after = new float[20];
        before[0] = 3;
        before[17] = -4;
        after[17] = -2;
        after[19] = 1;

        Deviation deviation = Deviation.measure(before, after, 20);

        assertThat(deviation).isEqualTo(new Deviation(25, 9 + 4 + 1, 3, 18, 18));
        assertThat(deviation.relativeError()).isEqualTo(Math.sqrt(14.0 / 25));
    }

    @Test
    void numberThatWasStoredAsNoneIsSeenInTheSum() {
        float[] before = {1e6f, 1};
        for (float lost : new float[] {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN}) {
            float[] after = {lost, 1};

            assertThat(Deviation.measure(before, after, 2).errorSquares()).isNotFinite();
        }
    }

    private interface Measure {
        Deviation of(float[] before, float[] after, int count);
    }

    private static byte[] deviations(Measure measure) {
        Random random = new Random(SEED);
        StringBuilder all = new StringBuilder();
        for (int count : COUNTS) {
            float[] before = new float[count];
            float[] after = new float[count];
            for (int i = 0; i < count; i++) {
                before[i] = random.nextInt(5) == 0 ? 0 : (float) random.nextGaussian();
                after[i] = random.nextInt(5) == 0 ? -0f : before[i] + (float) (0.01 * random.nextGaussian());
            }
            all.append(measure.of(before, after, count));
            if (count > 20) {
                after[count - 20] = Float.NaN;
                all.append(measure.of(before, after, count));
            }
        }
        return all.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Loaded anew for each width. */
    public static final class Measured implements Supplier<byte[]> {
        @Override
        public byte[] get() {
            return deviations(Deviation::measure);
        }
    }
}
