package io.millrace.tests.pipeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.demo.ByteTokenizer;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** A Llama of random weights over bytes, small enough to be made, measured and quantized in seconds. */
final class SmallCheckpoint {
    /** Rows of the down projection, if not said otherwise. */
    static final int FEED_FORWARD = 128;

    private SmallCheckpoint() {}

    static Path write(Path folder, long seed) throws IOException {
        return write(folder, seed, 64, FEED_FORWARD, 2);
    }

    static Path write(Path folder, long seed, int hidden, int feedForward, int layers) throws IOException {
        Files.createDirectories(folder);
        ModelConfig config = config(hidden, feedForward, layers);
        List<TensorSpec> tensors = config.architecture().tensors(config).stream()
                .map(rule -> new TensorSpec(rule.name(), new Encoding.Plain(DType.BF16), rule.shape()))
                .toList();
        SplittableRandom random = new SplittableRandom(seed);
        double deviation = 1.6 / Math.sqrt(hidden);
        try (DenseWriter writer = DenseWriter.original(folder, config.json(), tensors)) {
            config.architecture().tensors(config).forEach(rule -> {
                try (Arena arena = Arena.ofConfined()) {
                    long count = rule.shape().elements();
                    MemorySegment floats = arena.allocate(count * Float.BYTES, Float.BYTES);
                    for (long i = 0; i < count; i++) {
                        float value =
                                rule.role() instanceof TensorRole.Norm ? 1 : (float) random.nextGaussian(0, deviation);
                        floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                    }
                    writer.appendFloats(rule.name(), floats);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            writer.finish();
        }
        ByteTokenizer.write(folder);
        return folder;
    }

    /** Printable bytes by chance, more than 80 windows of 128. */
    static Path writeText(Path file, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 12_000; i++) {
            text.append((char) (random.nextInt(6) == 0 ? ' ' : 'a' + random.nextInt(26)));
        }
        return Files.writeString(file, text);
    }

    static ModelConfig config(int hidden, int feedForward, int layers) throws IOException {
        return ModelConfig.of(json(hidden, feedForward, layers), "config.json");
    }

    private static ObjectNode json(int hidden, int feedForward, int layers) {
        ObjectNode config = new ObjectMapper().createObjectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("model_type", "llama");
        config.put("vocab_size", ByteTokenizer.VOCABULARY_SIZE);
        config.put("hidden_size", hidden);
        config.put("intermediate_size", feedForward);
        config.put("num_hidden_layers", layers);
        int heads = Math.max(4, hidden / 128);
        config.put("num_attention_heads", heads);
        config.put("num_key_value_heads", heads / 2);
        config.put("max_position_embeddings", 256);
        config.put("rms_norm_eps", 1e-5);
        config.put("rope_theta", 10_000.0);
        config.put("hidden_act", "silu");
        config.put("tie_word_embeddings", false);
        config.put("torch_dtype", "bfloat16");
        return config;
    }
}
