package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How strongly the feed-forward neurons of a model answer to a text: for each layer and neuron the sum over all tokens of
 * h², where h = activation(gate(x)) · up(x) is what goes into down. Sums are doubles in the order of windows and tokens.
 *
 * <p>The model is never whole in memory. All windows pass through one layer before the next is read, so it takes the
 * weights of one layer, and for each token of the text one row of the hidden size.
 */
public final class NeuronActivity {
    private static final String PASSED = "windows through layers";

    private final ModelConfig config;
    private final WeightSource source;
    private final WeightLoader loader;
    private final Map<String, InputRounding> roundings;
    private final List<double[]> squares = new ArrayList<>();

    private NeuronActivity(WeightSource source) {
        this.config = source.config();
        this.source = source;
        this.loader = new WeightLoader(source);
        this.roundings = loader.roundings();
    }

    /**
     * Σ h² by layer and neuron. An interrupt ends it between two windows.
     *
     * @param windows token ids, all windows of one length; each token counts
     * @throws ArithmeticException if the model computes numbers that are not finite
     */
    public static List<double[]> squares(WeightSource source, int[][] windows, WorkProgress progress)
            throws IOException, InterruptedException {
        NeuronActivity activity = new NeuronActivity(source);
        try (NDManager scope = TensorRuntime.start().scope()) {
            activity.walk(scope, windows, progress);
        } finally {
            NativeHeap.giveBack();
        }
        return activity.squares;
    }

    private void walk(NDManager scope, int[][] windows, WorkProgress progress)
            throws IOException, InterruptedException {
        int length = windows[0].length;
        AttentionContext context = new AttentionContext(scope, config, length, null);
        NDArray[] hidden = new NDArray[windows.length]; // [1, length, hidden] each
        for (int window = 0; window < windows.length; window++) {
            hidden[window] = embedded(scope, windows[window]);
        }
        long total = (long) config.layerCount() * windows.length;
        for (int index = 0; index < config.layerCount(); index++) {
            double[] sums = new double[config.feedForwardSize()];
            try (NDManager layerScope = scope.newSubManager()) {
                DecoderLayer layer = DecoderLayer.of(config, index, weights(layerScope, index))
                        .watched(h -> addSquares(h, sums));
                for (int window = 0; window < windows.length; window++) {
                    long done = (long) index * windows.length + window;
                    if (Thread.interrupted()) {
                        throw new InterruptedException(PASSED + " interrupted, " + done + " of " + total);
                    }
                    hidden[window] = passed(scope, layer, hidden[window], context);
                    progress.advance(done + 1, total, PASSED);
                }
            }
            squares.add(finite(sums, index));
        }
    }

    private static double[] finite(double[] sums, int layer) {
        if (!Double.isFinite(Arrays.stream(sums).sum())) {
            throw new ArithmeticException("layer " + layer + " of the model computes numbers that are not finite");
        }
        return sums;
    }

    /** Of the embedding only the rows of these tokens are read. */
    private NDArray embedded(NDManager scope, int[] tokens) throws IOException {
        NDArray rows =
                TensorRuntime.allocate(scope, DataType.FLOAT32, new Shape(1, tokens.length, config.hiddenSize()));
        long rowBytes = (long) config.hiddenSize() * Float.BYTES;
        EngineTensors.write(rows, (from, to, bytes) -> {
            for (long t = from; t < to; t++) {
                int token = tokens[Math.toIntExact(t)];
                source.read(DecoderLayout.EMBEDDING, token, token + 1L, bytes.asSlice((t - from) * rowBytes, rowBytes));
            }
        });
        return CausalLanguageModel.scaled(rows, config);
    }

    private WeightTable weights(NDManager scope, int layer) throws IOException {
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (TensorSpec spec : DecoderLayout.ofLayer(config, layer)) {
            weights.put(spec.name(), loader.fill(scope, spec));
        }
        return new WeightTable(weights, roundings);
    }

    private static NDArray passed(NDManager scope, DecoderLayer layer, NDArray x, AttentionContext context) {
        try (NDManager work = scope.newSubManager()) {
            x.attach(work);
            NDArray y = layer.forward(x, context);
            y.attach(scope);
            return y;
        }
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
