package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How strongly the feed-forward neurons of a model answer to a text: for each layer and neuron the sum over all tokens of
 * h², where h = activation(gate(x)) · up(x) is what goes into down. Sums are doubles in the order of windows and tokens.
 *
 * <p>The model is never whole in memory, as {@link LayerwisePass} says.
 */
public final class NeuronActivity {
    private NeuronActivity() {}

    /**
     * Σ h² by layer and neuron. An interrupt ends it between two windows.
     *
     * @param windows token ids, all windows of one length; each token counts
     * @throws ArithmeticException if the model computes numbers that are not finite
     */
    public static List<double[]> squares(WeightSource source, int[][] windows, WorkProgress progress)
            throws IOException, InterruptedException {
        ModelConfig config = source.config();
        List<double[]> squares = new ArrayList<>();
        try (NDManager scope = TensorRuntime.start().scope()) {
            LayerwisePass pass = new LayerwisePass(source, scope, LayerwisePass.oneByOne(windows));
            for (int index = 0; index < config.layerCount(); index++) {
                double[] sums = new double[config.feedForwardSize()];
                pass.next(layer -> layer.watched(h -> addSquares(h, sums)), progress);
                squares.add(finite(sums, index));
            }
        } finally {
            NativeHeap.giveBack();
        }
        return squares;
    }

    private static double[] finite(double[] sums, int layer) {
        if (!Double.isFinite(Arrays.stream(sums).sum())) {
            throw new ArithmeticException("layer " + layer + " of the model computes numbers that are not finite");
        }
        return sums;
    }

    private static void addSquares(NDArray neurons, double[] sums) {
        float[] row = new float[sums.length];
        EngineTensors.read(neurons, (from, to, bytes) -> {
            for (long t = 0; t < to - from; t++) {
                MemorySegment.copy(
                        bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, t * row.length * Float.BYTES, row, 0, row.length);
                for (int neuron = 0; neuron < row.length; neuron++) {
                    sums[neuron] += (double) row[neuron] * row[neuron];
                }
            }
        });
    }
}
