package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.architecture.RopeScaling;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RopeFactorsTest {
    /** Llama 3.1, 3.2 of 1B and 3B, and contexts that others trained on. */
    @ParameterizedTest
    @CsvSource({
        "8, 8192, 128, 500000",
        "32, 8192, 64, 500000",
        "32, 8192, 128, 500000",
        "8, 4096, 128, 500000",
        "4, 32768, 128, 1000000",
        "16, 131072, 128, 10000000"
    })
    void theNumbersOfAReleasedModelFollowFromItsDivisors(double factor, int original, int size, float base) {
        assertThat(RopeFactors.llama3(divisors(factor, 1, 4, original, size, base), base, size))
                .contains(new RopeScaling.Llama3(factor, 1, 4, original));
    }

    @Test
    void divisorsOfAnotherRuleHaveNone() {
        List<Float> known = divisors(8, 1, 4, 8192, 128, 500_000);
        List<Float> changed = new ArrayList<>(known);
        changed.set(30, known.get(30) * 1.0001f);

        assertThat(RopeFactors.llama3(changed, 500_000, 128)).isEmpty();
        assertThat(RopeFactors.llama3(known, 400_000, 128)).isEmpty();
        assertThat(RopeFactors.llama3(known, 500_000, 64)).isEmpty();
        assertThat(RopeFactors.llama3(known, Double.NaN, 128)).isEmpty();
        assertThat(RopeFactors.llama3(divisors(8, 2, 4, 8192, 128, 500_000), 500_000, 128))
                .isEmpty();
        assertThat(RopeFactors.llama3(divisors(8, 1, 4, 6000, 128, 500_000), 500_000, 128))
                .isEmpty();
        assertThat(RopeFactors.llama3(List.of(), 500_000, 0)).isEmpty();
        for (float stray : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1, 0}) {
            changed.set(30, stray);
            assertThat(RopeFactors.llama3(changed, 500_000, 128)).isEmpty();
        }
        assertThat(RopeFactors.llama3(known, 500_000, Long.MAX_VALUE)).isEmpty();
    }

    /** As the converter computes them: frequencies in F32. */
    private static List<Float> divisors(double factor, double low, double high, int original, int size, float base) {
        List<Float> divisors = new ArrayList<>();
        for (int i = 0; i < size; i += 2) {
            float frequency = 1 / (float) Math.pow(base, (float) i / size);
            double turns = original / (float) (2 * Math.PI / frequency);
            double smooth = (turns - low) / (high - low);
            divisors.add((float) (turns > high ? 1 : turns < low ? factor : 1 / ((1 - smooth) / factor + smooth)));
        }
        return divisors;
    }
}
