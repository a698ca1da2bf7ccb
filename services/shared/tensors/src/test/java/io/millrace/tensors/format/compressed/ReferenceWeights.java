package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The checkpoint that the golden folders were made of: the twin of {@code src/test/golden/make_compressed_tensors.py},
 * number for number. Weights are whole 24-bit numbers times powers of two, so that both languages make the same bits.
 */
final class ReferenceWeights {
    private static final int GROUP = 128;

    private ReferenceWeights() {}

    /** @param tame without rows that are further from each other than two floats of 8 bits can be */
    static Path write(Path folder, int intermediateSize, boolean tame, DType type) throws IOException {
        ObjectNode config = TinyModels.llama();
        config.put("num_hidden_layers", 1)
                .put("num_attention_heads", 2)
                .put("num_key_value_heads", 1)
                .put("vocab_size", 8)
                .put("intermediate_size", intermediateSize);
        ModelConfig model = ModelConfig.of(config, "config.json");
        List<TensorRule> rules = model.architecture().tensors(model);
        Map<String, float[]> weights = new HashMap<>();
        long first = 0;
        for (TensorRule rule :
                rules.stream().sorted(Comparator.comparing(TensorRule::name)).toList()) {
            weights.put(rule.name(), weights(first, rule.shape(), tame));
            first += rule.shape().elements();
        }
        List<TensorSpec> specs = rules.stream()
                .map(rule -> TensorSpec.plain(rule.name(), type, rule.shape()))
                .toList();
        try (DenseWriter writer = DenseWriter.original(folder, config, specs)) {
            for (TensorRule rule : rules) {
                writer.appendFloats(rule.name(), MemorySegment.ofArray(weights.get(rule.name())));
            }
            writer.finish();
        }
        return folder;
    }

    /** Numbers from {@code first} on of the one sequence, as rows of a tensor. */
    static float[] weights(long first, Shape shape, boolean tame) {
        int columns = Math.toIntExact(shape.extents().getLast());
        float[] weights = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < weights.length; i++) {
            long bits = splitMix(first + i + 1);
            int mantissa = (int) (bits >>> 40) - (1 << 23);
            float weight = Math.scalb((float) mantissa, -26 - (int) (bits & 3));
            weights[i] = shaped(weight, i / columns % 32, i % columns, tame);
        }
        return weights;
    }

    /** Rows that a quantizer may stumble over: zeros, subnormals, ties, outliers. */
    private static float shaped(float weight, int row, int column, boolean tame) {
        boolean last = column % GROUP == GROUP - 1;
        return switch (row) {
            case 0 -> 0;
            case 1 -> 0.3f;
            case 2 -> Math.scalb(weight, tame ? -6 : -100);
            case 3 -> Math.scalb(weight, tame ? -12 : -130);
            case 4 -> Math.scalb(weight, tame ? 3 : 120);
            case 5 -> (last ? 7.5f : column % 16 - 7.5f) / 16;
            case 6 -> (last ? -127.5f : column % 256 - 127.5f) / 256;
            case 7 -> -Math.abs(weight);
            case 8 -> Math.abs(weight) + 0.5f;
            case 9 -> last ? weight : -0.0f;
            case 10 -> last ? 64 * weight : weight;
            default -> weight;
        };
    }

    /** Number {@code n} of the sequence of splitmix64 with seed 0, counted from 1. */
    private static long splitMix(long n) {
        long z = n * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
