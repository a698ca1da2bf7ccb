package io.millrace.tests.pipeline;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.demo.ByteTokenizer;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** A Llama that is quickly made: every tensor repeats the same megabyte of random weights. */
final class LargeCheckpoint {
    private static final int HIDDEN = 2048;
    private static final int FEED_FORWARD = 8192;
    private static final int LAYERS = 3;
    private static final long LAYER_BYTES = 123L << 20;
    private static final long BLOCK_BYTES = 1 << 20;
    private static final double DEVIATION = 0.02;

    private LargeCheckpoint() {}

    /** Writes one of 370 MiB and says how many bytes its weights have. */
    static long write(Path folder, long seed) throws IOException {
        long bytes = write(folder, seed, SmallCheckpoint.config(HIDDEN, FEED_FORWARD, LAYERS));
        ByteTokenizer.write(folder);
        return bytes;
    }

    /** One with a vocabulary as large as they get, and as many layers as make up this size. */
    static long writeOfSize(Path folder, long seed, long bytes) throws IOException {
        long vocabularyBytes = 2L * LargeTokenizer.TOKENS * HIDDEN * Short.BYTES;
        int layers = Math.toIntExact(Math.ceilDiv(Math.max(1, bytes - vocabularyBytes), LAYER_BYTES));
        ObjectNode json = SmallCheckpoint.config(HIDDEN, FEED_FORWARD, layers).json();
        json.put("vocab_size", LargeTokenizer.TOKENS);
        long written = write(folder, seed, ModelConfig.of(json, "config.json"));
        LargeTokenizer.write(folder);
        return written;
    }

    private static long write(Path folder, long seed, ModelConfig config) throws IOException {
        Files.createDirectories(folder);
        List<TensorSpec> tensors = config.architecture().tensors(config).stream()
                .map(rule -> new TensorSpec(rule.name(), new Encoding.Plain(DType.BF16), rule.shape()))
                .toList();
        try (Arena arena = Arena.ofConfined();
                DenseWriter writer = DenseWriter.original(folder, config.json(), tensors)) {
            MemorySegment block = block(arena, seed);
            for (TensorSpec tensor : tensors) {
                for (long left = tensor.byteSize(); left > 0; left -= BLOCK_BYTES) {
                    writer.append(tensor.name(), block.asSlice(0, Math.min(left, BLOCK_BYTES)));
                }
            }
            writer.finish();
        }
        return tensors.stream().mapToLong(TensorSpec::byteSize).sum();
    }

    private static MemorySegment block(Arena arena, long seed) {
        MemorySegment block = arena.allocate(BLOCK_BYTES, Long.BYTES);
        SplittableRandom random = new SplittableRandom(seed);
        for (long i = 0; i < BLOCK_BYTES / Short.BYTES; i++) {
            int bits = Float.floatToRawIntBits((float) random.nextGaussian(0, DEVIATION));
            block.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
        }
        return block;
    }
}
