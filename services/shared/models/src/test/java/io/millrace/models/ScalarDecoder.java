package io.millrace.models;

import io.millrace.tensors.architecture.ModelConfig;

/** The forward pass once more, in plain loops and double precision, sharing nothing with the one under test. */
final class ScalarDecoder {
    private final ModelConfig config;
    private final TestModels.Weights weights;

    ScalarDecoder(TestModels.Weights weights) {
        this.config = weights.config();
        this.weights = weights;
    }

    double[][] logits(int[] tokens) {
        int hidden = config.hiddenSize();
        double[][] x = new double[tokens.length][hidden];
        float[] embedding = weights.of("model.embed_tokens.weight");
        for (int t = 0; t < tokens.length; t++) {
            for (int i = 0; i < hidden; i++) {
                x[t][i] = embedding[tokens[t] * hidden + i];
            }
        }
        for (int layer = 0; layer < config.layerCount(); layer++) {
            attention(x, "model.layers." + layer + ".");
            feedForward(x, "model.layers." + layer + ".");
        }
        float[] head = config.tiedHead() ? embedding : weights.of("lm_head.weight");
        double[][] logits = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            logits[t] = times(head, norm(x[t], "model.norm.weight"), config.vocabularySize());
        }
        return logits;
    }

    private void attention(double[][] x, String layer) {
        int size = config.headSize();
        int heads = config.headCount();
        int perGroup = heads / config.keyValueHeadCount();
        int window = config.slidingWindow().orElse(Integer.MAX_VALUE);
        double[][] q = new double[x.length][];
        double[][] k = new double[x.length][];
        double[][] v = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] normed = norm(x[t], layer + "input_layernorm.weight");
            q[t] = linear(normed, layer + "self_attn.q_proj", heads * size);
            k[t] = linear(normed, layer + "self_attn.k_proj", config.keyValueHeadCount() * size);
            v[t] = linear(normed, layer + "self_attn.v_proj", config.keyValueHeadCount() * size);
            rotate(q[t], t);
            rotate(k[t], t);
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
                    scores[s] = t - s < window ? Math.exp(dot / Math.sqrt((double) size)) : 0;
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
            add(x[t], linear(mixed[t], layer + "self_attn.o_proj", config.hiddenSize()));
        }
    }

    private void feedForward(double[][] x, String layer) {
        for (double[] row : x) {
            double[] normed = norm(row, layer + "post_attention_layernorm.weight");
            double[] gate = linear(normed, layer + "mlp.gate_proj", config.feedForwardSize());
            double[] up = linear(normed, layer + "mlp.up_proj", config.feedForwardSize());
            for (int i = 0; i < gate.length; i++) {
                gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
            }
            add(row, linear(gate, layer + "mlp.down_proj", config.hiddenSize()));
        }
    }

    private void rotate(double[] heads, int position) {
        int size = config.headSize();
        for (int start = 0; start < heads.length; start += size) {
            for (int i = 0; i < size / 2; i++) {
                double angle = position * frequency(i);
                double a = heads[start + i];
                double b = heads[start + i + size / 2];
                heads[start + i] = a * Math.cos(angle) - b * Math.sin(angle);
                heads[start + i + size / 2] = b * Math.cos(angle) + a * Math.sin(angle);
            }
        }
    }

    private double frequency(int pair) {
        double plain = 1 / Math.pow(config.ropeTheta(), 2.0 * pair / config.headSize());
        if (config.ropeScaling().isEmpty()) {
            return plain;
        }
        var scaling = config.ropeScaling().get();
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
        double squares = 0;
        for (double value : x) {
            squares += value * value;
        }
        double scale = 1 / Math.sqrt(squares / x.length + config.normEpsilon());
        double[] normed = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            normed[i] = x[i] * scale * weights.of(gain)[i];
        }
        return normed;
    }

    private static void add(double[] to, double[] what) {
        for (int i = 0; i < to.length; i++) {
            to[i] += what[i];
        }
    }
}
