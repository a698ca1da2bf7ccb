package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * An importance matrix as a GGUF file: per weight W two F32 tensors, in torch order
 *
 * <pre>
 * W.in_sum2 [matrices, columns]  Σ x² over the rows seen
 * W.counts  [matrices, 1]        rows seen; a matrix that saw none counts as all ones
 * </pre>
 */
final class GgufImportances {
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private GgufImportances() {}

    static ImportanceMatrix read(Path file, MemorySegment bytes) throws MalformedFileException {
        try (GgufReader reader = GgufReader.over(String.valueOf(file.getFileName()), bytes)) {
            Map<String, GgufValue> metadata = reader.header().metadata();
            if (metadata.get("general.type") instanceof GgufValue.Text(String type) && !type.equals("imatrix")) {
                throw new MalformedFileException(
                        file, -1, "'general.type' is \"" + type + "\", expected \"imatrix\": this is a model");
            }
            Map<String, GgufTensor> tensors = new HashMap<>();
            reader.header().tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
            Map<String, float[]> byTensor = new TreeMap<>();
            for (GgufTensor tensor : reader.header().tensors()) {
                if (tensor.name().endsWith(SUMS)) {
                    String weight = tensor.name().substring(0, tensor.name().length() - SUMS.length());
                    byTensor.put(weight, means(file, reader, tensor, tensors.get(weight + COUNTS)));
                }
            }
            if (byTensor.isEmpty()) {
                throw new MalformedFileException(file, -1, "has no tensor '….in_sum2', expected one per weight");
            }
            return new ImportanceMatrix(file, byTensor, datasets(metadata), chunks(metadata));
        }
    }

    private static float[] means(
            Path file, GgufReader reader, GgufTensor sums, @org.jspecify.annotations.Nullable GgufTensor counts)
            throws MalformedFileException {
        if (counts == null) {
            throw new MalformedFileException(file, -1, "'" + sums.name() + "' has no counts beside it");
        }
        requireF32(file, sums);
        requireF32(file, counts);
        long matrices = counts.shape().elements();
        if (sums.shape().elements() > Integer.MAX_VALUE || sums.shape().elements() % matrices != 0) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "'" + sums.name() + "' of shape " + sums.shape() + " does not go with " + matrices + " counts");
        }
        float[] values = floats(reader, sums);
        float[] seen = floats(reader, counts);
        int columns = values.length / seen.length;
        for (int i = 0; i < values.length; i++) {
            float count = seen[i / columns];
            if (!(count >= 0 && count <= Float.MAX_VALUE)) {
                throw new MalformedFileException(
                        file, -1, "'" + counts.name() + "' holds " + count + ", expected a number of rows");
            }
            values[i] = count == 0 ? 1 : values[i] / count;
        }
        return values;
    }

    private static void requireF32(Path file, GgufTensor tensor) throws MalformedFileException {
        if (tensor.layout() != GgufType.F32) {
            throw new MalformedFileException(
                    file, -1, "'" + tensor.name() + "' has type " + tensor.layout() + ", expected F32");
        }
    }

    private static float[] floats(GgufReader reader, GgufTensor tensor) {
        return reader.rows(tensor.name(), 0, tensor.shape().rows()).toArray(FLOAT);
    }

    private static List<String> datasets(Map<String, GgufValue> metadata) {
        return metadata.get("imatrix.datasets") instanceof GgufValue.Items(GgufValue.Type _, List<GgufValue> items)
                ? items.stream()
                        .filter(GgufValue.Text.class::isInstance)
                        .map(item -> ((GgufValue.Text) item).value())
                        .toList()
                : List.of();
    }

    private static OptionalLong chunks(Map<String, GgufValue> metadata) {
        return metadata.get("imatrix.chunk_count") instanceof GgufValue.Whole(GgufValue.Type _, long count)
                        && count >= 0
                ? OptionalLong.of(count)
                : OptionalLong.empty();
    }
}
