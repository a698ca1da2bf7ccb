package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.models.ScalarDecoder.Fault;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.format.onnx.OnnxType;
import io.millrace.tensors.format.onnx.OnnxWeights;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The graphs that we write, run in ONNX Runtime, beside our own forward pass on the weights that we read back. */
class OnnxRuntimeTest {
    /** Of the deviation of the logits. */
    private static final double TOLERANCE = 1e-3;

    private static final int[] TOKENS = GoldenLogits.TOKENS;

    @TempDir
    static Path parent;

    static Stream<OnnxModel> models() {
        return OnnxModel.all();
    }

    static Stream<Arguments> modelsInEachType() {
        return OnnxModel.all().flatMap(model -> Stream.of(OnnxType.values()).map(type -> Arguments.of(model, type)));
    }

    @ParameterizedTest
    @MethodSource("modelsInEachType")
    void promptAndSingleTokensGiveTheLogitsOfOurForwardPass(OnnxModel model, OnnxType type) throws Exception {
        Path folder = model.write(parent, type);

        try (OnnxWeights weights = OnnxWeights.open(folder);
                CausalLanguageModel ours = CausalLanguageModel.load(weights)) {
            float[][] expected = ours.logits(TOKENS);
            assertThat(spread(expected)).isGreaterThan(1);
            // In one go, and half of it token by token.
            assertThat(Deviation.of(run(folder, TOKENS.length), expected)).isLessThan(TOLERANCE);
            assertThat(Deviation.of(run(folder, TOKENS.length / 2), expected)).isLessThan(TOLERANCE);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void eachMistakeIsSeen(OnnxModel model) throws Exception {
        Path folder = model.write(parent, OnnxType.INT4);
        float[][] found = run(folder, TOKENS.length / 2);

        TestModels.Weights weights;
        try (OnnxWeights stored = OnnxWeights.open(folder)) {
            weights = inMemory(stored);
        }
        assertThat(Deviation.of(found, new ScalarDecoder(weights).logits(TOKENS)))
                .isLessThan(TOLERANCE);
        for (Fault fault : model.faults()) {
            assertThat(Deviation.of(found, new ScalarDecoder(weights, fault).logits(TOKENS)))
                    .as(model + " with " + fault)
                    .isGreaterThan(10 * TOLERANCE);
        }
    }

    /** A code that flips at a tie changes all that follows, so two tokens are compared and a model may differ. */
    @Test
    void inputsOfEightBitModelsAreRoundedAsOnnxRuntimeRoundsThem() throws Exception {
        int[] tokens = Arrays.copyOf(TOKENS, 2);
        List<OnnxModel> models = OnnxModel.all().toList();
        int alike = 0;
        for (OnnxModel model : models) {
            float[][] found;
            Path shipped = model.writeShipped(parent, OnnxType.INT8);
            try (OnnxDecoder decoder = new OnnxDecoder(shipped)) {
                found = decoder.next(tokens);
            }
            double rounded = deviation(shipped, tokens, found);
            double without = deviation(model.write(parent, OnnxType.INT8), tokens, found);
            System.out.println(model + ", inputs rounded: " + rounded + ", not rounded: " + without);
            assertThat(without).as(model.name()).isGreaterThan(10 * TOLERANCE);
            alike += rounded < TOLERANCE ? 1 : 0;
        }
        assertThat(alike).isGreaterThanOrEqualTo(models.size() - 2);
    }

    private static double deviation(Path folder, int[] tokens, float[][] found) throws Exception {
        try (OnnxWeights weights = OnnxWeights.open(folder);
                CausalLanguageModel ours = CausalLanguageModel.load(weights)) {
            return Deviation.of(found, ours.logits(tokens));
        }
    }

    private static TestModels.Weights inMemory(WeightSource source) throws Exception {
        Map<String, float[]> values = new LinkedHashMap<>();
        for (TensorSpec spec : source.tensors()) {
            float[] all = new float[Math.toIntExact(spec.shape().elements())];
            source.read(spec.name(), 0, spec.shape().rows(), MemorySegment.ofArray(all));
            values.put(spec.name(), all);
        }
        return new TestModels.Weights(source.config(), values);
    }

    /** Logits of all tokens: the first {@code prompt} in one go, the others one by one. */
    private static float[][] run(Path folder, int prompt) throws Exception {
        float[][] logits = new float[TOKENS.length][];
        try (OnnxDecoder decoder = new OnnxDecoder(folder)) {
            System.arraycopy(decoder.next(Arrays.copyOf(TOKENS, prompt)), 0, logits, 0, prompt);
            for (int at = prompt; at < TOKENS.length; at++) {
                logits[at] = decoder.next(TOKENS[at])[0];
            }
        }
        return logits;
    }

    private static double spread(float[][] logits) {
        float[] last = logits[logits.length - 1];
        double sum = 0;
        double squares = 0;
        for (float value : last) {
            sum += value;
            squares += value * value;
        }
        double mean = sum / last.length;
        return Math.sqrt(squares / last.length - mean * mean);
    }
}
