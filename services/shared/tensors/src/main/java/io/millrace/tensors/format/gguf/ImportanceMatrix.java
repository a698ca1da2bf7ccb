package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An importance matrix as llama.cpp's tool writes it: per weight tensor the mean square of what each column was
 * multiplied with on some text. Every number is finite and at least 0 when {@link #read} returns.
 */
public final class ImportanceMatrix {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,9})\\.");

    private final Path file;
    private final Map<String, float[]> byTensor;
    private final List<String> datasets;
    private final OptionalLong chunks;

    ImportanceMatrix(Path file, Map<String, float[]> byTensor, List<String> datasets, OptionalLong chunks) {
        this.file = file;
        this.byTensor = byTensor;
        this.datasets = List.copyOf(datasets);
        this.chunks = chunks;
    }

    /** Reads a file of either form: GGUF, or the older one that ends in {@code .dat}. */
    public static ImportanceMatrix read(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return of(file, bytes);
        }
    }

    /** The same of the mapped bytes, which someone may cut off meanwhile. */
    static ImportanceMatrix of(Path file, MemorySegment bytes) throws MalformedFileException {
        try {
            boolean gguf = bytes.byteSize() >= Integer.BYTES && bytes.get(INT, 0) == GgufHeader.MAGIC;
            ImportanceMatrix matrix =
                    gguf ? GgufImportances.read(file, bytes) : new LegacyImportances(file, bytes).read();
            matrix.requireSound();
            return matrix;
        } catch (InternalError fault) {
            throw MalformedFileException.changed(String.valueOf(file.getFileName()), fault);
        }
    }

    private void requireSound() throws MalformedFileException {
        for (Map.Entry<String, float[]> entry : byTensor.entrySet()) {
            float[] values = entry.getValue();
            for (int i = 0; i < values.length; i++) {
                if (!(values[i] >= 0 && values[i] <= Float.MAX_VALUE)) {
                    throw new MalformedFileException(
                            file,
                            -1,
                            "the importance of column " + i + " of '" + entry.getKey() + "' is " + values[i]
                                    + ", expected a finite mean square; make the importance matrix again");
                }
            }
        }
    }

    /** How many tensors it knows. */
    public int size() {
        return byTensor.size();
    }

    /** The importances for a tensor by its GGUF name, if the file has them; their number must fit the shape. */
    Optional<Importance> of(String tensor, Shape shape) throws MalformedFileException {
        float[] values = byTensor.get(tensor);
        if (values == null) {
            return Optional.empty();
        }
        long matrices = shape.rank() > 2 ? shape.rows() / shape.extent(shape.rank() - 2) : 1;
        long expected = Math.multiplyExact(shape.rowLength(), matrices);
        if (values.length != expected) {
            throw new MalformedFileException(
                    Kind.UNSUITABLE_IMPORTANCE,
                    file,
                    "'" + tensor + "' has " + values.length + " importances, expected " + expected
                            + ": this is an importance matrix of another model");
        }
        return Optional.of(new Importance(values, Math.toIntExact(shape.rowLength())));
    }

    /** Refuses a matrix that knows none of a model's tensors, or a layer that the model does not have: its parent's. */
    void requireOf(List<String> tensors, int layers) throws MalformedFileException {
        if (tensors.stream().noneMatch(byTensor::containsKey)) {
            throw ofAnotherModel("none of this model's, such as 'blk.0.attn_q.weight'");
        }
        for (String tensor : byTensor.keySet()) {
            Matcher layer = LAYER.matcher(tensor);
            if (layer.lookingAt() && Integer.parseInt(layer.group(1)) >= layers) {
                throw ofAnotherModel("this model has " + layers + " layers and no '" + tensor + "'");
            }
        }
    }

    /** Refuses a matrix without this tensor for a file type that is too coarse where nothing is known. */
    void requireKnown(String tensor, GgufFileType fileType) throws MalformedFileException {
        if (!byTensor.containsKey(tensor)) {
            throw new MalformedFileException(
                    Kind.UNSUITABLE_IMPORTANCE,
                    file,
                    "knows " + byTensor.size() + " tensors, but not '" + tensor + "', for which " + fileType
                            + " is too coarse without; make the importance matrix again, of a longer text, or choose a"
                            + " larger type");
        }
    }

    private MalformedFileException ofAnotherModel(String what) {
        return new MalformedFileException(
                Kind.UNSUITABLE_IMPORTANCE,
                file,
                "knows " + byTensor.size() + " tensors, but " + what
                        + ": this is an importance matrix of another model");
    }

    /** What a file made with it says about it. */
    Map<String, GgufValue> metadata() {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("quantize.imatrix.file", GgufValue.text(String.valueOf(file.getFileName())));
        if (!datasets.isEmpty()) {
            metadata.put("quantize.imatrix.dataset", GgufValue.text(datasets.getFirst()));
        }
        metadata.put("quantize.imatrix.entries_count", GgufValue.u32(byTensor.size()));
        chunks.ifPresent(count -> metadata.put("quantize.imatrix.chunks_count", GgufValue.u32(count)));
        return metadata;
    }
}
