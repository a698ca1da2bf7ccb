package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.millrace.models.ScalarDecoder.Fault;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NeuronActivityTest {
    private static final int[][] WINDOWS = windows(3, 40);

    static Stream<TinyModel> models() {
        return TinyModel.all().filter(model -> model.config().experts().isEmpty());
    }

    /** Two halves of one matrix, SiLU and GELU, windows, caps and norms of all kinds: whatever changes what neurons see. */
    @ParameterizedTest
    @MethodSource("models")
    void sumsAreThoseOfAPlainForwardPassInDoublePrecision(TinyModel model) throws Exception {
        List<double[]> squares = NeuronActivity.squares(model.weights(), WINDOWS, WorkProgress.NONE);

        assertThat(squares).hasSize(model.config().layerCount());
        assertThat(deviation(model, squares)).isLessThan(1e-4);
    }

    @Test
    void aSumOfGateAndUpInTheWrongOrderIsSeen() throws Exception {
        TinyModel phi3 = models().filter(model -> model.name().equals("phi3"))
                .findFirst()
                .orElseThrow();
        List<double[]> squares = NeuronActivity.squares(phi3.weights(), WINDOWS, WorkProgress.NONE);

        assertThat(deviation(phi3, squares, Fault.GATE_AND_UP_SWAPPED)).isGreaterThan(0.1);
    }

    /** The largest difference beside the largest sum of its layer. */
    private static double deviation(TinyModel model, List<double[]> squares, Fault... faults) {
        ScalarDecoder plain = new ScalarDecoder(model.weights(), faults);
        for (int[] window : WINDOWS) {
            plain.logits(window);
        }
        double worst = 0;
        for (int layer = 0; layer < squares.size(); layer++) {
            double[] expected = plain.squares(layer);
            double largest = 0;
            double difference = 0;
            for (int neuron = 0; neuron < expected.length; neuron++) {
                largest = Math.max(largest, expected[neuron]);
                difference = Math.max(difference, Math.abs(expected[neuron] - squares.get(layer)[neuron]));
            }
            worst = Math.max(worst, difference / largest);
        }
        return worst;
    }

    @Test
    void theSameWindowsGiveTheSameBits() throws Exception {
        TestModels.Weights weights = TestModels.weights(TestModels.llama(), 3);

        List<double[]> first = NeuronActivity.squares(weights, WINDOWS, WorkProgress.NONE);
        List<double[]> second = NeuronActivity.squares(weights, WINDOWS, WorkProgress.NONE);

        for (int layer = 0; layer < first.size(); layer++) {
            assertThat(second.get(layer)).containsExactly(first.get(layer), within(0.0));
        }
    }

    /** All windows are through one layer before the next is read; neither the head nor all of the embedding ever is. */
    @Test
    void oneLayerIsReadAtATimeAndOfTheEmbeddingOnlyTheRowsOfTheTokens() throws Exception {
        Reads reads = new Reads(TestModels.weights(TestModels.llama3(), 3), new ArrayList<>());

        NeuronActivity.squares(
                reads,
                new int[][] {{7, 9, 7}, {1, 2, 3}},
                (done, total, what) -> reads.log().add(done + "/" + total));

        List<String> log = reads.log();
        assertThat(log.subList(0, 6)).allMatch(read -> read.equals("model.embed_tokens.weight 1"));
        assertThat(log.subList(6, log.size())).noneMatch(read -> read.contains("embed") || read.contains("lm_head"));
        int through = log.indexOf("2/4");
        assertThat(log.subList(6, through)).noneMatch(read -> read.contains("layers.1."));
        assertThat(log.subList(through, log.size())).noneMatch(read -> read.contains("layers.0."));
        assertThat(log).endsWith("3/4", "4/4");
    }

    @Test
    void anInterruptEndsItBetweenTwoWindows() {
        TestModels.Weights weights = TestModels.weights(TestModels.llama(), 3);

        assertThatThrownBy(() -> NeuronActivity.squares(
                        weights,
                        WINDOWS,
                        (done, total, what) -> Thread.currentThread().interrupt()))
                .isInstanceOf(InterruptedException.class)
                .hasMessage("windows through layers interrupted, 1 of 6");
    }

    @Test
    void numbersThatAreNotFiniteAreToldWithTheirLayer() {
        TestModels.Weights weights = TestModels.weights(TestModels.llama(), 3);
        String up = "model.layers.1.mlp.up_proj.weight";
        float[] huge = weights.of(up).clone();
        huge[0] = Float.MAX_VALUE;
        huge[1] = Float.MAX_VALUE;

        assertThatThrownBy(() -> NeuronActivity.squares(weights.with(up, huge), WINDOWS, WorkProgress.NONE))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("layer 1 of the model computes numbers that are not finite");
    }

    private static int[][] windows(int count, int length) {
        SplittableRandom random = new SplittableRandom(5);
        int[][] windows = new int[count][];
        for (int i = 0; i < count; i++) {
            windows[i] = random.ints(length, 0, 256).toArray();
        }
        return windows;
    }

    /** Says what is read, and how many rows. */
    private record Reads(WeightSource source, List<String> log) implements WeightSource {
        @Override
        public ModelConfig config() {
            return source.config();
        }

        @Override
        public List<TensorSpec> tensors() {
            return source.tensors();
        }

        @Override
        public void read(String name, long from, long to, MemorySegment destination) throws IOException {
            log.add(name + " " + (to - from));
            source.read(name, from, to, destination);
        }

        @Override
        public void close() {}
    }
}
