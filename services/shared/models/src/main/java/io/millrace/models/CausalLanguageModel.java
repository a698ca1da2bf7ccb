package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A decoder-only language model in the memory of the tensor engine, all weights F32, of any {@link
 * io.millrace.tensors.architecture.Architecture} that is known: what sets one apart is data there, and a few lines in
 * {@link Attention}, {@link FeedForward} and here.
 *
 * <p>Read {@link #hidden} and {@link DecoderLayer#forward} from top to bottom: embedding, layers, final norm, head.
 * Not for use by two threads at once.
 */
public final class CausalLanguageModel implements AutoCloseable {
    private final TensorRuntime runtime;
    private final NDManager scope;
    private final ModelConfig config;
    private final WeightTable weights; // in the order of the computation
    private final NDArray embedding; // [vocabulary, hidden]
    private final List<DecoderLayer> layers;
    private final Norm finalNorm;
    private final LogitHead head;

    private CausalLanguageModel(TensorRuntime runtime, NDManager scope, ModelConfig config, WeightTable weights) {
        this.runtime = runtime;
        this.scope = scope;
        this.config = config;
        this.weights = weights;
        embedding = weights.require(DecoderLayout.EMBEDDING);
        finalNorm = Norm.of(weights, DecoderLayout.FINAL_NORM, config);
        head = LogitHead.of(weights, config);
        List<DecoderLayer> built = new ArrayList<>();
        for (int i = 0; i < config.layerCount(); i++) {
            built.add(DecoderLayer.of(config, i, weights));
        }
        layers = List.copyOf(built);
    }

    /**
     * Reads every weight, one after the other, straight into the engine's memory; {@code source} stays open. Where it says
     * that inputs are rounded, the forward pass rounds them.
     */
    public static CausalLanguageModel load(WeightSource source) throws IOException {
        WeightLoader loader = new WeightLoader(source);
        return build(source.config(), loader, loader.roundings());
    }

    /** Fresh weights for training, drawn as {@link RandomWeights} says; the same seed gives the same bits. */
    public static CausalLanguageModel random(ModelConfig config, long seed) throws IOException {
        return build(config, new RandomWeights(config, seed), Map.of());
    }

    private static CausalLanguageModel build(
            ModelConfig config, WeightFiller filler, Map<String, InputRounding> roundings) throws IOException {
        TensorRuntime runtime = TensorRuntime.start();
        NDManager scope = runtime.scope();
        try {
            Map<String, NDArray> weights = new LinkedHashMap<>();
            for (var spec : DecoderLayout.tensors(config)) {
                weights.put(spec.name(), filler.fill(scope, spec));
            }
            return new CausalLanguageModel(runtime, scope, config, new WeightTable(weights, roundings));
        } catch (IOException | RuntimeException | Error problem) {
            scope.close();
            throw problem;
        }
    }

    public ModelConfig config() {
        return config;
    }

    /** The weights by Hugging Face name, for writing; valid while this model is open and not being trained. */
    public WeightSource weights() {
        return new ModelWeights(config, weights);
    }

    /** Every tensor as a dense folder of this type will hold it, in the order of the computation. */
    public List<TensorSpec> specs(DType type) {
        return DecoderLayout.tensors(config).stream()
                .map(spec -> TensorSpec.plain(spec.name(), type, spec.shape()))
                .toList();
    }

    /** Appends every weight to a writer that was opened with {@link #specs}; finishing it is left to the caller. */
    public void write(DenseWriter writer) throws IOException {
        for (Map.Entry<String, NDArray> weight : weights.tensors().entrySet()) {
            EngineTensors.read(weight.getValue(), (from, to, rows) -> writer.appendFloats(weight.getKey(), rows));
        }
    }

    /** The trainable tensors themselves, for the optimizer. */
    public Map<String, NDArray> parameters() {
        return java.util.Collections.unmodifiableMap(weights.tensors());
    }

    /** Tensors alive in this model's own memory: constant between calls, or something leaks. */
    public int heldTensors() {
        return scope.getManagedArrays().size();
    }

    /** Next-token logits of every position: tokens [length] → [length][vocabulary]. */
    public float[][] logits(int[] tokens) {
        try (NDManager work = runtime.scope()) {
            NDArray all = head(hidden(tokens(work, tokens), null, LayerWatch.NONE));
            float[] flat = all.toFloatArray();
            float[][] rows = new float[tokens.length][];
            for (int t = 0; t < rows.length; t++) {
                rows[t] = java.util.Arrays.copyOfRange(
                        flat, t * config.vocabularySize(), (t + 1) * config.vocabularySize());
            }
            return rows;
        }
    }

    /** An empty cache for sequences of up to {@code capacity} tokens; the caller closes it. */
    public KeyValueCache cache(int capacity) {
        return new KeyValueCache(runtime, config, capacity);
    }

    /** Feeds tokens behind those in the cache; answers the logits [vocabulary] after the last one. */
    public float[] next(int[] tokens, KeyValueCache cache) {
        try (NDManager work = runtime.scope()) {
            return lastLogits(work, tokens, cache, LayerWatch.NONE).toFloatArray();
        }
    }

    /** The most likely continuation, token by token, with a key-value cache. */
    public int[] generate(int[] prompt, int count) {
        int[] generated = new int[count];
        try (KeyValueCache cache = cache(prompt.length + count)) {
            int[] input = prompt;
            for (int i = 0; i < count; i++) {
                generated[i] = greedy(input, cache, LayerWatch.NONE);
                input = new int[] {generated[i]};
            }
        }
        return generated;
    }

    /** Feeds tokens and picks the most likely next one. */
    public <E extends Exception> int greedy(int[] tokens, KeyValueCache cache, LayerWatch<E> watch) throws E {
        try (NDManager work = runtime.scope()) {
            return Math.toIntExact(
                    lastLogits(work, tokens, cache, watch).argMax().getLong());
        }
    }

    private <E extends Exception> NDArray lastLogits(
            NDManager work, int[] tokens, KeyValueCache cache, LayerWatch<E> watch) throws E {
        NDArray hidden = hidden(tokens(work, tokens), cache, watch);
        return head(hidden.get(":, -1:")).reshape(config.vocabularySize());
    }

    /** Token ids [batch][length] as an engine tensor [batch, length] i64; ids outside the vocabulary are refused. */
    public NDArray tokens(NDManager work, int[]... tokens) {
        int length = tokens[0].length;
        if (length == 0) {
            throw new IllegalArgumentException("a sequence of 0 tokens; expected at least 1");
        }
        long[] flat = new long[Math.multiplyExact(tokens.length, length)];
        int at = 0;
        for (int[] row : tokens) {
            if (row.length != length) {
                throw new IllegalArgumentException(
                        "a batch with sequences of " + length + " and " + row.length + " tokens; expected one length");
            }
            for (int token : row) {
                if (token < 0 || token >= config.vocabularySize()) {
                    throw new IllegalArgumentException("token " + token + " is outside the vocabulary of "
                            + config.vocabularySize() + "; do tokenizer and model belong together?");
                }
                flat[at++] = token;
            }
        }
        return work.create(flat, new Shape(tokens.length, length));
    }

    /** Full forward pass: tokens [batch, length] i64 → logits [batch, length, vocabulary], in the scope of tokens. */
    public <E extends Exception> NDArray forward(NDArray tokens, LayerWatch<E> watch) throws E {
        return head(hidden(tokens, null, watch));
    }

    /** tokens [batch, length] i64 → last hidden states, normed, [batch, length, hidden]. */
    public <E extends Exception> NDArray hidden(NDArray tokens, @Nullable KeyValueCache cache, LayerWatch<E> watch)
            throws E {
        NDManager work = tokens.getManager();
        int length = Math.toIntExact(tokens.getShape().get(1));
        if (cache != null) {
            cache.requireRoom(length);
        }
        var context = new AttentionContext(work, config, length, cache);
        NDArray x = embedded(tokens);
        int done = 0;
        for (DecoderLayer layer : layers) {
            // A layer's intermediates die with the layer; while gradients are recorded the graph keeps what it needs.
            try (NDManager inner = work.newSubManager()) {
                x.attach(inner);
                NDArray y = layer.forward(x, context);
                y.attach(work);
                x = y;
            }
            watch.passed(++done, layers.size());
        }
        if (cache != null) {
            cache.advance(length);
        }
        return finalNorm.apply(x);
    }

    /** tokens [batch, length] i64 → what the first layer takes, [batch, length, hidden]. */
    NDArray embedded(NDArray tokens) {
        NDArray rows = tokens.getNDArrayInternal()
                .embedding(tokens, embedding, SparseFormat.DENSE)
                .get(0);
        return scaled(rows, config);
    }

    List<DecoderLayer> layers() {
        return layers;
    }

    Norm finalNorm() {
        return finalNorm;
    }

    /** Rows of the embedding as the first layer takes them. */
    static NDArray scaled(NDArray embedded, ModelConfig config) {
        return config.architecture().has(Trait.SCALED_EMBEDDING)
                ? embedded.mul(TensorRuntime.scalar(embedded.getManager(), Math.sqrt(config.hiddenSize())))
                : embedded;
    }

    /** hidden [.., hidden] → logits [.., vocabulary]. */
    public NDArray head(NDArray hidden) {
        return head.apply(hidden);
    }

    @Override
    public void close() {
        scope.close();
        NativeHeap.giveBack();
    }
}
