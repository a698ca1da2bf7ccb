package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.models.ScalarDecoder.Fault;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.Trait;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each architecture's forward pass beside logits that llama.cpp computed once. */
class GoldenLogitsTest {
    /** Of the deviation of the logits. */
    private static final double TOLERANCE = 1e-3;

    static Stream<TinyModel> models() {
        return TinyModel.all();
    }

    @Test
    void eachArchitectureHasAModelHere() {
        assertThat(TinyModel.all().map(model -> model.config().architecture())).containsAll(Architecture.known());
    }

    @ParameterizedTest
    @MethodSource("models")
    void ourLogitsAreThoseThatLlamaCppComputed(TinyModel model) throws IOException {
        float[][] expected = GoldenLogits.of(model);

        for (float[] row : expected) {
            assertThat(standardDeviation(row)).isGreaterThan(1);
        }
        try (CausalLanguageModel ours = CausalLanguageModel.load(model.weights())) {
            assertThat(Deviation.of(GoldenLogits.kept(ours.logits(GoldenLogits.TOKENS)), expected))
                    .isLessThan(TOLERANCE);
        }
    }

    @Test
    void whatIsLeftForGemmaIsTheTableByWhichLlamaCppComputesGelu() throws IOException {
        for (TinyModel model : TinyModel.all()
                .filter(tiny -> tiny.config().architecture().has(Trait.GELU))
                .toList()) {
            double[][] byTable =
                    new ScalarDecoder(model.weights(), Fault.GELU_OF_HALF_PRECISION).logits(GoldenLogits.TOKENS);

            assertThat(Deviation.of(GoldenLogits.kept(byTable), GoldenLogits.of(model)))
                    .as(model.name())
                    .isLessThan(TOLERANCE / 2);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void eachMistakeIsSeen(TinyModel model) throws IOException {
        float[][] expected = GoldenLogits.of(model);

        for (Fault fault : model.faults()) {
            double[][] wrong = new ScalarDecoder(model.weights(), fault).logits(GoldenLogits.TOKENS);

            assertThat(Deviation.of(GoldenLogits.kept(wrong), expected))
                    .as(model.name() + " with " + fault)
                    .isGreaterThan(10 * TOLERANCE);
        }
    }

    private static double standardDeviation(float[] row) {
        double sum = 0;
        double squares = 0;
        for (float value : row) {
            sum += value;
            squares += value * value;
        }
        double mean = sum / row.length;
        return Math.sqrt(squares / row.length - mean * mean);
    }
}
