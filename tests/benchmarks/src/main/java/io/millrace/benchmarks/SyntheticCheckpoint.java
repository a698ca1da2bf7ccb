package io.millrace.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.demo.ByteTokenizer;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * A BF16 Llama of the wanted size that nobody trained: normal weights of the usual spread, drawn once for a million of
 * them and repeated from another place in each tensor.
 */
record SyntheticCheckpoint(Path folder, long parameters) {
    private static final int HIDDEN = 2048;
    private static final int FEED_FORWARD = 5632;
    private static final int BLOCK = 1 << 20;
    private static final float DEVIATION = 0.02f;

    /** As many layers as come closest to the wanted number of parameters. */
    static SyntheticCheckpoint write(Path folder, long wantedParameters, long seed) throws IOException {
        long perLayer = parameters(config(2)) - parameters(config(1));
        long others = parameters(config(1)) - perLayer;
        long layers = Math.max(1, Math.round((wantedParameters - others) / (double) perLayer));
        ModelConfig config = config(Math.toIntExact(layers));
        List<TensorSpec> tensors = config.architecture().tensors(config).stream()
                .map(rule -> new TensorSpec(rule.name(), new Encoding.Plain(DType.BF16), rule.shape()))
                .toList();
        Random chance = new Random(seed);
        try (Arena arena = Arena.ofConfined();
                DenseWriter writer = DenseWriter.original(folder, config.json(), tensors)) {
            MemorySegment weights = weights(arena, chance);
            for (TensorSpec tensor : tensors) {
                long left = tensor.byteSize();
                long from = Short.BYTES * (long) chance.nextInt(BLOCK);
                while (left > 0) {
                    long piece = Math.min(left, weights.byteSize() - from);
                    writer.append(tensor.name(), weights.asSlice(from, piece));
                    left -= piece;
                    from = 0;
                }
            }
            writer.finish();
        }
        ByteTokenizer.write(folder);
        return new SyntheticCheckpoint(folder, parameters(config));
    }

    private static MemorySegment weights(Arena arena, Random chance) {
        MemorySegment weights = arena.allocate((long) BLOCK * Short.BYTES, Long.BYTES);
        for (int i = 0; i < BLOCK; i++) {
            int bits = Float.floatToRawIntBits((float) (DEVIATION * chance.nextGaussian()));
            weights.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
        }
        return weights;
    }

    private static long parameters(ModelConfig config) {
        return config.architecture().tensors(config).stream()
                .map(rule -> rule.shape())
                .mapToLong(Shape::elements)
                .sum();
    }

    private static ModelConfig config(int layers) throws IOException {
        ObjectNode config = new ObjectMapper().createObjectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("model_type", "llama");
        config.put("vocab_size", ByteTokenizer.VOCABULARY_SIZE);
        config.put("hidden_size", HIDDEN);
        config.put("intermediate_size", FEED_FORWARD);
        config.put("num_hidden_layers", layers);
        config.put("num_attention_heads", 32);
        config.put("num_key_value_heads", 8);
        config.put("max_position_embeddings", 2048);
        config.put("rms_norm_eps", 1e-5);
        config.put("rope_theta", 10_000.0);
        config.put("hidden_act", "silu");
        config.put("tie_word_embeddings", false);
        config.put("torch_dtype", "bfloat16");
        return ModelConfig.of(config, "config.json");
    }
}
