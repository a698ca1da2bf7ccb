package io.millrace.tensors.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.kernel.convert.Conversion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A model of any format written as a dense Hugging Face folder: the numbers that its consumers compute with, rounded to
 * one type. Memory holds one block of rows.
 */
public final class DenseCopy {
    private static final long BLOCK_ELEMENTS = 1 << 20;
    private static final float LARGEST_HALF = 65504;

    private final WeightSource source;
    private final String name;
    private final DType type;

    /**
     * @param name of the source, for messages
     * @param type F32, F16 or BF16
     */
    public DenseCopy(WeightSource source, String name, DType type) {
        this.source = source;
        this.name = name;
        this.type = type;
    }

    /** The type in which no matrix of a dense source loses anything; BF16, as checkpoints are published, for others. */
    public static DType naturalType(WeightSource source) {
        Set<Optional<DType>> types = source.tensors().stream()
                .filter(tensor -> tensor.shape().rank() > 1)
                .map(tensor -> denseType(tensor.encoding()))
                .collect(Collectors.toSet());
        if (types.isEmpty() || types.contains(Optional.<DType>empty())) {
            return DType.BF16;
        }
        // Neither of F16 and BF16 holds all numbers of the other.
        return types.size() == 1 ? types.iterator().next().orElseThrow() : DType.F32;
    }

    /** Empty for codes and blocks of codes. */
    private static Optional<DType> denseType(Encoding encoding) {
        return switch (encoding) {
            case Encoding.Plain(DType stored) -> Optional.of(stored).filter(DType::isWeight);
            case Encoding.Blocks(GgufType stored) -> DType.named(stored.name()).filter(DType::isWeight);
        };
    }

    /**
     * Writes the folder; interrupted or failed, it leaves no weights behind.
     *
     * @param config the whole config.json
     * @param companions the folder whose tokenizer files are copied
     */
    public void write(Path folder, ObjectNode config, Optional<Path> companions, Progress progress)
            throws IOException, InterruptedException {
        List<TensorSpec> tensors = source.tensors().stream()
                .map(tensor -> TensorSpec.plain(tensor.name(), type, tensor.shape()))
                .toList();
        long totalBytes = tensors.stream().mapToLong(TensorSpec::byteSize).sum();
        long doneBytes = 0;
        try (DenseWriter writer = DenseWriter.dequantized(folder, config, tensors, companions)) {
            for (TensorSpec tensor : tensors) {
                copy(tensor, writer, progress, doneBytes, totalBytes);
                doneBytes += tensor.byteSize();
            }
            writer.finish();
        }
    }

    private void copy(TensorSpec tensor, DenseWriter writer, Progress progress, long before, long totalBytes)
            throws IOException, InterruptedException {
        long rowLength = tensor.shape().rowLength();
        long rows = tensor.shape().rows();
        long step = Math.max(1, BLOCK_ELEMENTS / Math.max(1, rowLength));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(Math.min(step, rows) * rowLength * Float.BYTES, Long.BYTES);
            for (long from = 0; from < rows; from += step) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                long to = Math.min(rows, from + step);
                MemorySegment floats = block.asSlice(0, (to - from) * rowLength * Float.BYTES);
                source.read(tensor.name(), from, to, floats);
                requireHeld(tensor, from, floats);
                writer.appendFloats(tensor.name(), floats);
                progress.advance(before + to * rowLength * type.bytes(), totalBytes, tensor.name());
            }
        }
    }

    private void requireHeld(TensorSpec tensor, long from, MemorySegment floats) throws MalformedFileException {
        long count = floats.byteSize() / Float.BYTES;
        long index = Conversion.firstNonFinite(floats, count);
        if (index >= 0) {
            throw new MalformedFileException(
                    Kind.NOT_FINITE, name, place(tensor, from, index, floats) + ", expected finite numbers");
        }
        for (long i = 0; type == DType.F16 && i < count; i++) {
            if (Math.abs(floats.getAtIndex(ValueLayout.JAVA_FLOAT, i)) > LARGEST_HALF) {
                throw new MalformedFileException(
                        Kind.UNSUPPORTED,
                        name,
                        place(tensor, from, i, floats) + ", too large for F16 (" + LARGEST_HALF
                                + "); choose bf16 or f32");
            }
        }
    }

    private static String place(TensorSpec tensor, long from, long index, MemorySegment floats) {
        long rowLength = tensor.shape().rowLength();
        return "tensor '" + tensor.name() + "' holds " + floats.getAtIndex(ValueLayout.JAVA_FLOAT, index) + " in row "
                + (from + index / rowLength) + ", column " + index % rowLength;
    }
}
