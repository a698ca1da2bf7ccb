package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * A forward pass of many windows through a model that is never whole in memory: all windows pass through one layer before
 * the next is read. It takes the weights of one layer, and for each token one row of the hidden size. The numbers are
 * those of {@link CausalLanguageModel#hidden}, bit by bit.
 */
public final class LayerwisePass {
    private static final String PASSED = "windows through layers";

    private final WeightSource source;
    private final ModelConfig config;
    private final WeightLoader loader;
    private final NDManager scope;
    private final AttentionContext context;
    private final NDArray[] hidden; // [rows, length, hidden] each
    private int passed;

    /**
     * Reads the embedding's rows of these tokens.
     *
     * @param scope where the hidden states lie; the caller closes it
     * @param batches token ids [batch][row][length], of one length; the rows of a batch pass through a layer together
     */
    public LayerwisePass(WeightSource source, NDManager scope, int[][][] batches) throws IOException {
        this.source = source;
        this.config = source.config();
        this.loader = new WeightLoader(source);
        this.scope = scope;
        this.context = new AttentionContext(scope, config, batches[0][0].length, null);
        this.hidden = new NDArray[batches.length];
        for (int batch = 0; batch < batches.length; batch++) {
            hidden[batch] = embedded(batches[batch]);
        }
    }

    /** Each window alone. */
    public static int[][][] oneByOne(int[][] windows) {
        return Arrays.stream(windows).map(window -> new int[][] {window}).toArray(int[][][]::new);
    }

    /**
     * Through all layers that are left and the final norm: hidden states [rows, length, hidden] by batch, in the scope of
     * this pass. An interrupt ends it between two batches.
     */
    public NDArray[] finish(WorkProgress progress) throws IOException, InterruptedException {
        while (passed < config.layerCount()) {
            next(UnaryOperator.identity(), progress);
        }
        try (NDManager inner = scope.newSubManager()) {
            WeightTable weights = loader.load(inner, DecoderLayout.finalNorm(config));
            Norm norm = Norm.of(weights, DecoderLayout.FINAL_NORM, config);
            for (int batch = 0; batch < hidden.length; batch++) {
                hidden[batch] = moved(hidden[batch], norm::apply);
            }
        }
        return hidden;
    }

    /** Through the next layer. */
    void next(UnaryOperator<DecoderLayer> seen, WorkProgress progress) throws IOException, InterruptedException {
        long total = (long) config.layerCount() * hidden.length;
        try (NDManager layerScope = scope.newSubManager()) {
            WeightTable weights = loader.load(layerScope, DecoderLayout.ofLayer(config, passed));
            DecoderLayer layer = seen.apply(DecoderLayer.of(config, passed, weights));
            for (int batch = 0; batch < hidden.length; batch++) {
                long done = (long) passed * hidden.length + batch;
                if (Thread.interrupted()) {
                    throw new InterruptedException(PASSED + " interrupted, " + done + " of " + total);
                }
                hidden[batch] = moved(hidden[batch], x -> layer.forward(x, context));
                progress.advance(done + 1, total, PASSED);
            }
        }
        passed++;
    }

    /** What comes of x stays; x and all intermediates go. */
    private NDArray moved(NDArray x, UnaryOperator<NDArray> step) {
        try (NDManager work = scope.newSubManager()) {
            x.attach(work);
            NDArray y = step.apply(x);
            y.attach(scope);
            return y;
        }
    }

    private NDArray embedded(int[][] rows) throws IOException {
        int length = rows[0].length;
        NDArray embedded =
                TensorRuntime.allocate(scope, DataType.FLOAT32, new Shape(rows.length, length, config.hiddenSize()));
        long rowBytes = (long) config.hiddenSize() * Float.BYTES;
        int[] tokens = Arrays.stream(rows).flatMapToInt(Arrays::stream).toArray();
        EngineTensors.write(embedded, (from, to, bytes) -> {
            for (long t = from; t < to; t++) {
                int token = tokens[Math.toIntExact(t)];
                source.read(DecoderLayout.EMBEDDING, token, token + 1L, bytes.asSlice((t - from) * rowBytes, rowBytes));
            }
        });
        return CausalLanguageModel.scaled(embedded, config);
    }
}
