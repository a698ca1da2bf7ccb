package io.millrace.models;

import io.millrace.tensors.architecture.LayerAttention;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.architecture.Trait;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The forward pass once more, in plain loops and double precision, sharing nothing with the one under test. It can be
 * told to make a mistake, to show that a comparison would see it.
 */
public final class ScalarDecoder {
    /** Mistakes that a forward pass or a converter could make. */
    public enum Fault {
        WRONG_ROTARY_BASE,
        INTERLEAVED_QUERIES,
        NO_WINDOW,
        WINDOW_ONE_TOO_WIDE,
        NO_SCORE_CAP,
        NO_LOGIT_CAP,
        NO_NORM_OFFSET,
        NO_QUERY_NORM,
        NO_POST_NORM,
        NO_EMBEDDING_SCALE,
        ONE_ROTARY_BASE,
        NO_ROTARY_SCALING,
        ROTARY_IN_EVERY_LAYER,
        SILU_FOR_GELU,
        /** What llama.cpp does on a processor: GELU by a table of half-precision numbers. */
        GELU_OF_HALF_PRECISION,
        SHARES_NOT_RENORMALISED,
        ONE_EXPERT_LESS,
        GATE_AND_UP_SWAPPED,
        WHOLE_HEADS_TURN,
        /** Cosines and sines as they are. */
        NO_ATTENTION_FACTOR
    }

    private static final Map<String, String> MIXTRAL = Map.of(
            "gate", "block_sparse_moe.gate", "expert", "block_sparse_moe.experts.", "g", "w1", "u", "w3", "d", "w2");
    private static final Map<String, String> QWEN_MOE =
            Map.of("gate", "mlp.gate", "expert", "mlp.experts.", "g", "gate_proj", "u", "up_proj", "d", "down_proj");

    private final ModelConfig config;
    private final TestModels.Weights weights;
    private final Set<Fault> faults;
    private final Map<String, double[]> squares = new HashMap<>(); // of neurons, by layer

    public ScalarDecoder(TestModels.Weights weights, Fault... faults) {
        this.config = weights.config();
        this.weights = weights;
        this.faults = EnumSet.noneOf(Fault.class);
        this.faults.addAll(Arrays.asList(faults));
    }

    public double[][] logits(int[] tokens) {
        int hidden = config.hiddenSize();
        double[][] x = new double[tokens.length][hidden];
        float[] embedding = weights.of("model.embed_tokens.weight");
        boolean scaled =
                config.architecture().has(Trait.SCALED_EMBEDDING) && !faults.contains(Fault.NO_EMBEDDING_SCALE);
        for (int t = 0; t < tokens.length; t++) {
            for (int i = 0; i < hidden; i++) {
                x[t][i] = embedding[tokens[t] * hidden + i] * (scaled ? Math.sqrt(hidden) : 1);
            }
        }
        for (int layer = 0; layer < config.layerCount(); layer++) {
            attention(x, layer, "model.layers." + layer + ".");
            feedForward(x, "model.layers." + layer + ".");
        }
        float[] head = config.tiedHead() ? embedding : weights.of("lm_head.weight");
        double[][] logits = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            logits[t] = times(head, norm(x[t], "model.norm.weight"), config.vocabularySize());
            if (config.logitCap().isPresent() && !faults.contains(Fault.NO_LOGIT_CAP)) {
                double cap = config.logitCap().getAsDouble();
                logits[t] = Arrays.stream(logits[t])
                        .map(logit -> cap * Math.tanh(logit / cap))
                        .toArray();
            }
        }
        return logits;
    }

    /** Σ h² over all tokens that went through the feed-forward network of a layer so far. */
    double[] squares(int layer) {
        return Optional.ofNullable(squares.get("model.layers." + layer + ".")).orElseThrow();
    }

    private void attention(double[][] x, int index, String layer) {
        int size = config.headSize();
        int heads = config.headCount();
        int groups = config.keyValueHeadCount();
        int perGroup = heads / groups;
        LayerAttention kind = config.attention().get(index);
        int window = faults.contains(Fault.NO_WINDOW)
                ? Integer.MAX_VALUE
                : kind.window().orElse(Integer.MAX_VALUE - 1) + (faults.contains(Fault.WINDOW_ONE_TOO_WIDE) ? 1 : 0);
        double[][] q = new double[x.length][];
        double[][] k = new double[x.length][];
        double[][] v = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] normed = norm(x[t], layer + "input_layernorm.weight");
            if (weights.values().containsKey(layer + "self_attn.qkv_proj.weight")) {
                double[] all = linear(normed, layer + "self_attn.qkv_proj", (heads + 2 * groups) * size);
                q[t] = Arrays.copyOf(all, heads * size);
                k[t] = Arrays.copyOfRange(all, heads * size, (heads + groups) * size);
                v[t] = Arrays.copyOfRange(all, (heads + groups) * size, all.length);
            } else {
                q[t] = linear(normed, layer + "self_attn.q_proj", heads * size);
                k[t] = linear(normed, layer + "self_attn.k_proj", groups * size);
                v[t] = linear(normed, layer + "self_attn.v_proj", groups * size);
            }
            if (faults.contains(Fault.INTERLEAVED_QUERIES)) {
                q[t] = interleaved(q[t]);
            }
            headNorms(q[t], layer + "self_attn.q_norm.weight");
            headNorms(k[t], layer + "self_attn.k_norm.weight");
            rotate(q[t], t, x.length, kind);
            rotate(k[t], t, x.length, kind);
        }
        double[][] mixed = new double[x.length][heads * size];
        for (int t = 0; t < x.length; t++) {
            for (int h = 0; h < heads; h++) {
                int group = h / perGroup;
                double[] scores = new double[t + 1];
                double total = 0;
                for (int s = 0; s <= t; s++) {
                    double dot = 0;
                    for (int i = 0; i < size; i++) {
                        dot += q[t][h * size + i] * k[s][group * size + i];
                    }
                    double score = dot / Math.sqrt((double) size);
                    if (config.scoreCap().isPresent() && !faults.contains(Fault.NO_SCORE_CAP)) {
                        double cap = config.scoreCap().getAsDouble();
                        score = cap * Math.tanh(score / cap);
                    }
                    scores[s] = t - s < window ? Math.exp(score) : 0;
                    total += scores[s];
                }
                for (int s = 0; s <= t; s++) {
                    for (int i = 0; i < size; i++) {
                        mixed[t][h * size + i] += scores[s] / total * v[s][group * size + i];
                    }
                }
            }
        }
        for (int t = 0; t < x.length; t++) {
            double[] out = linear(mixed[t], layer + "self_attn.o_proj", config.hiddenSize());
            add(x[t], sandwiched(layer) ? postNorm(out, layer + "post_attention_layernorm.weight") : out);
        }
    }

    /** Gemma norms what a block puts out as well, and then its name for the next norm is another. */
    private boolean sandwiched(String layer) {
        return weights.values().containsKey(layer + "pre_feedforward_layernorm.weight");
    }

    private double[] postNorm(double[] x, String gain) {
        return faults.contains(Fault.NO_POST_NORM) ? x : norm(x, gain);
    }

    private void headNorms(double[] heads, String gain) {
        if (!weights.values().containsKey(gain) || faults.contains(Fault.NO_QUERY_NORM)) {
            return;
        }
        int size = config.headSize();
        for (int start = 0; start < heads.length; start += size) {
            double[] normed = norm(Arrays.copyOfRange(heads, start, start + size), gain);
            System.arraycopy(normed, 0, heads, start, size);
        }
    }

    private void feedForward(double[][] x, String layer) {
        String before = sandwiched(layer) ? "pre_feedforward_layernorm" : "post_attention_layernorm";
        for (double[] row : x) {
            double[] normed = norm(row, layer + before + ".weight");
            double[] out = config.experts().isPresent() ? experts(normed, layer) : gated(normed, layer);
            add(row, sandwiched(layer) ? postNorm(out, layer + "post_feedforward_layernorm.weight") : out);
        }
    }

    private double[] gated(double[] x, String layer) {
        int inner = config.feedForwardSize();
        double[] gate;
        double[] up;
        if (weights.values().containsKey(layer + "mlp.gate_up_proj.weight")) {
            double[] both = linear(x, layer + "mlp.gate_up_proj", 2 * inner);
            gate = Arrays.copyOf(both, inner);
            up = Arrays.copyOfRange(both, inner, 2 * inner);
        } else {
            gate = linear(x, layer + "mlp.gate_proj", inner);
            up = linear(x, layer + "mlp.up_proj", inner);
        }
        double[] neurons = activated(gate, up);
        double[] sums = squares.computeIfAbsent(layer, _ -> new double[inner]);
        for (int i = 0; i < inner; i++) {
            sums[i] += neurons[i] * neurons[i];
        }
        return linear(neurons, layer + "mlp.down_proj", config.hiddenSize());
    }

    private double[] experts(double[] x, String layer) {
        boolean mixtral = weights.values().containsKey(layer + MIXTRAL.get("gate") + ".weight");
        Map<String, String> names = mixtral ? MIXTRAL : QWEN_MOE;
        var experts = config.experts().orElseThrow();
        double[] shares = Arrays.stream(linear(x, layer + names.get("gate"), experts.count()))
                .map(Math::exp)
                .toArray();
        double total = Arrays.stream(shares).sum();
        int count = experts.perToken() - (faults.contains(Fault.ONE_EXPERT_LESS) ? 1 : 0);
        int[] chosen = IntStream.range(0, shares.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer e) -> -shares[e]))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
        double ofChosen = Arrays.stream(chosen).mapToDouble(e -> shares[e]).sum();
        double divisor = faults.contains(Fault.SHARES_NOT_RENORMALISED) ? total : ofChosen;
        double[] sum = new double[config.hiddenSize()];
        for (int e : chosen) {
            String expert = layer + names.get("expert") + e + ".";
            double[] inner = activated(
                    linear(x, expert + names.get("g"), experts.size()),
                    linear(x, expert + names.get("u"), experts.size()));
            double[] out = linear(inner, expert + names.get("d"), config.hiddenSize());
            for (int i = 0; i < sum.length; i++) {
                sum[i] += out[i] * shares[e] / divisor;
            }
        }
        return sum;
    }

    private double[] activated(double[] gate, double[] up) {
        boolean gelu = config.architecture().has(Trait.GELU) && !faults.contains(Fault.SILU_FOR_GELU);
        double[] first = faults.contains(Fault.GATE_AND_UP_SWAPPED) ? up : gate;
        double[] second = faults.contains(Fault.GATE_AND_UP_SWAPPED) ? gate : up;
        double[] out = new double[gate.length];
        for (int i = 0; i < out.length; i++) {
            double g = first[i];
            out[i] = (gelu ? gelu(g) : g / (1 + Math.exp(-g))) * second[i];
        }
        return out;
    }

    private double gelu(double x) {
        if (!faults.contains(Fault.GELU_OF_HALF_PRECISION)) {
            return x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        }
        if (Math.abs(x) >= 10) {
            return x > 0 ? x : 0;
        }
        double half = Float.float16ToFloat(Float.floatToFloat16((float) x));
        double exact = half / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (half + 0.044715 * half * half * half)));
        return Float.float16ToFloat(Float.floatToFloat16((float) exact));
    }

    private void rotate(double[] heads, int position, int context, LayerAttention kind) {
        int size = config.headSize();
        Rotary common = new Rotary(config.ropeTheta(), config.ropeScaling());
        if (kind.rotary().isEmpty() && !faults.contains(Fault.ROTARY_IN_EVERY_LAYER)) {
            return;
        }
        Rotary rotary =
                faults.contains(Fault.ONE_ROTARY_BASE) ? common : kind.rotary().orElse(common);
        double factor = faults.contains(Fault.NO_ATTENTION_FACTOR) ? 1 : attentionFactor(rotary);
        int turned = turned();
        for (int start = 0; start < heads.length; start += size) {
            for (int i = 0; i < turned / 2; i++) {
                double angle = position * frequency(i, rotary, context);
                double a = heads[start + i] * factor;
                double b = heads[start + i + turned / 2] * factor;
                heads[start + i] = a * Math.cos(angle) - b * Math.sin(angle);
                heads[start + i + turned / 2] = b * Math.cos(angle) + a * Math.sin(angle);
            }
        }
    }

    /** Rows of q as GGUF orders them for Llama, as if nobody had put them back. */
    private double[] interleaved(double[] rows) {
        int size = config.headSize();
        double[] out = new double[rows.length];
        for (int i = 0; i < rows.length; i++) {
            int inHead = i % size;
            out[i - inHead + (inHead % (size / 2)) * 2 + inHead / (size / 2)] = rows[i];
        }
        return out;
    }

    private double frequency(int pair, Rotary rotary, int context) {
        double base = rotary.base() * (faults.contains(Fault.WRONG_ROTARY_BASE) ? 1.1 : 1);
        double plain = 1 / Math.pow(base, 2.0 * pair / turned());
        if (rotary.scaling().isEmpty() || faults.contains(Fault.NO_ROTARY_SCALING)) {
            return plain;
        }
        return switch (rotary.scaling().get()) {
            case RopeScaling.Linear linear -> plain / linear.factor();
            case RopeScaling.LongRope factors ->
                plain
                        / (context > factors.originalPositions() ? factors.longFactors() : factors.shortFactors())
                                // Whole heads, which turn by mistake, have more pairs than there are factors.
                                .get(pair % (config.rotarySize() / 2));
            case RopeScaling.Llama3 scaling -> llama3(plain, scaling);
            case RopeScaling.Yarn scaling -> yarn(plain, pair, base, scaling);
        };
    }

    private int turned() {
        return faults.contains(Fault.WHOLE_HEADS_TURN) ? config.headSize() : config.rotarySize();
    }

    private static double attentionFactor(Rotary rotary) {
        return switch (rotary.scaling().orElse(null)) {
            case RopeScaling.LongRope scaling -> scaling.attentionFactor();
            case RopeScaling.Yarn scaling -> 1 + 0.1 * Math.log(scaling.factor());
            case RopeScaling.Llama3 _, RopeScaling.Linear _ -> 1;
            case null -> 1;
        };
    }

    /** By the pair at which a wave fits the original positions 32 times, and that at which it fits once. */
    private double yarn(double plain, int pair, double base, RopeScaling.Yarn scaling) {
        double pairsPerFold = turned() / 2.0 / Math.log(base);
        double waves = scaling.originalPositions() / (2 * Math.PI);
        double often = Math.floor(pairsPerFold * Math.log(waves / 32));
        double once = Math.ceil(pairsPerFold * Math.log(waves));
        if (pair <= Math.max(often, 0)) {
            return plain;
        }
        if (pair >= Math.min(once, turned() - 1)) {
            return plain / scaling.factor();
        }
        double share = (pair - Math.max(often, 0)) / (Math.min(once, turned() - 1) - Math.max(often, 0));
        return plain * (1 - share + share / scaling.factor());
    }

    private static double llama3(double plain, RopeScaling.Llama3 scaling) {
        double wavelength = 2 * Math.PI / plain;
        double longest = scaling.originalPositions() / scaling.lowFrequencyFactor();
        double shortest = scaling.originalPositions() / scaling.highFrequencyFactor();
        if (wavelength < shortest) {
            return plain;
        }
        if (wavelength > longest) {
            return plain / scaling.factor();
        }
        double smooth = (scaling.originalPositions() / wavelength - scaling.lowFrequencyFactor())
                / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
        return (1 - smooth) * plain / scaling.factor() + smooth * plain;
    }

    private double[] linear(double[] x, String module, int out) {
        double[] y = times(weights.of(module + ".weight"), x, out);
        float[] bias = weights.values().get(module + ".bias");
        for (int i = 0; bias != null && i < out; i++) {
            y[i] += bias[i];
        }
        return y;
    }

    private static double[] times(float[] matrix, double[] x, int out) {
        double[] y = new double[out];
        for (int row = 0; row < out; row++) {
            for (int i = 0; i < x.length; i++) {
                y[row] += matrix[row * x.length + i] * x[i];
            }
        }
        return y;
    }

    private double[] norm(double[] x, String gain) {
        boolean offset = config.architecture().has(Trait.NORM_OFFSET) && !faults.contains(Fault.NO_NORM_OFFSET);
        double squares = 0;
        for (double value : x) {
            squares += value * value;
        }
        double scale = 1 / Math.sqrt(squares / x.length + config.normEpsilon());
        double[] normed = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            normed[i] = x[i] * scale * (weights.of(gain)[i] + (offset ? 1 : 0));
        }
        return normed;
    }

    private static void add(double[] to, double[] what) {
        for (int i = 0; i < to.length; i++) {
            to[i] += what[i];
        }
    }
}
