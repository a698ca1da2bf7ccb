package io.millrace.tensors.kernel.literature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Worked by hand from the definitions in the papers. */
class RowRoundingTest {
    @Test
    void uniformCodesAreRoundedHalfToEvenAndCutOff() {
        float[] weights = {9, 0.25f, 0.375f, 0.125f, -0.375f, 0, -0f, 1.75f, -9};
        byte[] codes = new byte[9];

        float scale = new UniformGrid(4, 4).round(weights, 0, 9, codes);

        assertThat(scale).isEqualTo(0.25f);
        assertThat(codes).containsExactly(7, 1, 2, 0, -2, 0, 0, 7, -7);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 6, 8})
    void noGridNearbyLeavesLessErrorThanTheFittedOne(int bits) {
        long seed = 20261128;
        System.out.println("seed " + seed);
        float[] numbers = gaussian(seed, 20_000);

        double found = error(fitted(bits, numbers), numbers);

        assertThat(found).isLessThanOrEqualTo(1.05 * leastError(bits, numbers));
        assertThat(found).isLessThan(0.98 * error(UniformGrid.fitted(bits, largest(numbers)), numbers));
    }

    @Test
    void ofSmallMatricesTheFittedGridIsNearTheBestToo() {
        for (long seed = 1; seed <= 21; seed++) {
            float[] numbers = gaussian(seed, 8_192);

            assertThat(error(fitted(8, numbers), numbers))
                    .as("seed %d", seed)
                    .isLessThanOrEqualTo(1.07 * leastError(8, numbers));
        }
    }

    private static float[] gaussian(long seed, int count) {
        Random random = new Random(seed);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }

    private static float largest(float[] numbers) {
        float largest = 0;
        for (float number : numbers) {
            largest = Math.max(largest, Math.abs(number));
        }
        return largest;
    }

    /** The grid after all turns, of which none may make it worse. */
    private static UniformGrid fitted(int bits, float[] numbers) {
        List<UniformGrid> grids = UniformFit.starts(bits, largest(numbers));
        double before = Double.MAX_VALUE;
        for (int turn = 0; turn < UniformFit.TURNS; turn++) {
            grids = List.of(UniformFit.next(grids, UniformFit.sums(grids, numbers)));
            double after = error(grids.getFirst(), numbers);
            assertThat(after).isLessThanOrEqualTo(before * (1 + 1e-6));
            before = after;
        }
        return grids.getFirst();
    }

    /** Of grids from a quarter to four times as fine as the fitted one. */
    private static double leastError(int bits, float[] numbers) {
        double levels = fitted(bits, numbers).levels();
        double least = Double.MAX_VALUE;
        for (double other = 0.25; other <= 4; other *= 1.01) {
            least = Math.min(least, error(new UniformGrid(bits, (float) (levels * other)), numbers));
        }
        return least;
    }

    private static double error(UniformGrid grid, float[] numbers) {
        byte[] codes = new byte[numbers.length];
        float scale = grid.round(numbers, 0, numbers.length, codes);
        double error = 0;
        for (int i = 0; i < numbers.length; i++) {
            error += Math.pow(numbers[i] - (double) codes[i] * scale, 2);
        }
        return error;
    }

    @Test
    void numbersThatAreAllZeroHaveAGridToo() {
        List<UniformGrid> grids = UniformFit.starts(4, 0);
        UniformGrid grid = UniformFit.next(grids, UniformFit.sums(grids, new float[3]));

        assertThat(grid.scale()).isPositive();
        assertThat(UniformFit.next(UniformFit.starts(4, 0.5f), new double[48]).levels())
                .isEqualTo(14);
    }

    @Test
    void aGridForTheLargestNumberGivesItTheLargestCode() {
        byte[] codes = new byte[3];

        float scale = UniformGrid.fitted(3, 6).round(new float[] {-6, 2.9f, 3.1f}, 0, 3, codes);

        assertThat(scale).isEqualTo(2);
        assertThat(codes).containsExactly(-3, 1, 2);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, Float.MIN_VALUE, 1e-38f, 3e38f})
    void aGridForExtremeNumbersIsOneToo(float largest) {
        byte[] codes = new byte[2];

        float scale = UniformGrid.fitted(8, largest).round(new float[] {largest, 0}, 0, 2, codes);

        assertThat(codes[0] * scale).isFinite();
        assertThat(codes[1]).isZero();
    }

    @Test
    void aScaleOfSignsIsTheMeanMagnitudeOfItsRowAndZeroCountsAsPositive() {
        float[] weights = {100, 3, -1, 0, -0f, -4, 100};
        byte[] codes = new byte[7];

        float scale = new SignRows().round(weights, 1, 5, codes);

        assertThat(scale).isEqualTo(1.6f);
        assertThat(codes).containsExactly(0, 1, -1, 1, 1, -1, 0);
    }

    @Test
    void ternaryScalesAreTheMeanOfWhatIsAboveTheThreshold() {
        // Mean magnitude 2, threshold 1.4.
        float[] weights = {1.4f, -1.5f, 4.5f, 0.6f, -2};
        byte[] codes = new byte[5];

        float scale = new ThresholdRows(0.7).round(weights, 0, 5, codes);

        assertThat(codes).containsExactly(0, -1, 1, 0, -1);
        assertThat(scale).isEqualTo((float) (8.0 / 3));
    }

    @Test
    void rowsWithoutAnythingAboveTheThresholdAreZero() {
        byte[] codes = {5, 5, 5};

        assertThat(new ThresholdRows(0.7).round(new float[3], 0, 3, codes)).isZero();
        assertThat(codes).containsOnly(0);
        assertThat(new ThresholdRows(2).round(new float[] {1, -1, 1}, 0, 3, codes))
                .isZero();
        assertThat(new SignRows().round(new float[3], 0, 3, codes)).isZero();
    }

    @Test
    void whatIsNoGridOrThresholdIsRefused() {
        assertThatThrownBy(() -> new UniformGrid(1, 1)).hasMessageContaining("codes of 1 bits, expected 2 to 8");
        assertThatThrownBy(() -> new UniformGrid(9, 1)).hasMessageContaining("codes of 9 bits");
        assertThatThrownBy(() -> new UniformGrid(8, 0)).hasMessageContaining("0.0 levels per unit");
        assertThatThrownBy(() -> new UniformGrid(8, Float.NaN)).hasMessageContaining("NaN levels per unit");
        assertThatThrownBy(() -> new UniformGrid(8, Float.MIN_VALUE)).hasMessageContaining("reciprocal");
        assertThatThrownBy(() -> new ThresholdRows(-1)).hasMessageContaining("threshold -1.0");
        assertThatThrownBy(() -> new UniformInputs(1, OptionalDouble.empty())).hasMessageContaining("1 bits");
    }

    @Test
    void inputsOfAllTokensShareAGridAndNumbersThatAreNoneStay() {
        float[] inputs = {3, 0.9f, -1.6f, Float.NaN, Float.POSITIVE_INFINITY, 0.4f};
        UniformInputs fitted = new UniformInputs(3, OptionalDouble.empty());

        assertThat(fitted.spansTokens()).isTrue();
        assertThat(new UniformInputs(3, OptionalDouble.of(2)).spansTokens()).isFalse();
        fitted.spanning(3).round(MemorySegment.ofArray(inputs), 2, 3);

        assertThat(inputs).containsExactly(3, 1, -2, Float.NaN, Float.POSITIVE_INFINITY, 0);
    }
}
