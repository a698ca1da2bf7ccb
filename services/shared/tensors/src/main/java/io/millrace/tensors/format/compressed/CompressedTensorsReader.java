package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.checkpoint.StoredTensors;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A compressed-tensors folder as F32 weights: (code - zero point) * scale, straight from the format's definition, of our
 * own writer or of others: packed integers in groups of any size or whole rows, with or without zero points, bytes with a
 * scale per row, block, group or tensor, and 4-bit floats; different modules may have different ones. Every tensor's type
 * and shape was checked when the constructor returned; scales are checked as they are read.
 */
public final class CompressedTensorsReader implements WeightSource {
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;

    private final ModelConfig config;
    private final FolderTensors stored;
    private final Map<String, TensorRule> rules = new LinkedHashMap<>();
    private final Map<String, QuantizedRows> quantized = new HashMap<>(); // by the name of the weight

    private CompressedTensorsReader(ModelConfig config, StoredFormat format, FolderTensors stored)
            throws MalformedFileException {
        this.config = config;
        this.stored = stored;
        for (TensorRule rule : config.architecture().tensors(config)) {
            rules.put(rule.name(), rule);
            modules(format, rule)
                    .ifPresent(modules -> quantized.put(rule.name(), new QuantizedRows(stored, rule, modules)));
        }
        StoredCheck check = new StoredCheck(stored);
        int expected = 0;
        for (TensorRule rule : rules.values()) {
            QuantizedRows rows = quantized.get(rule.name());
            expected += rows == null ? check.dense(rule) : check.quantized(rule, rows.modules());
        }
        long found = stored.weightParts();
        if (expected != found) {
            throw new MalformedFileException(
                    SafetensorsFolder.SINGLE,
                    -1,
                    "found " + found + " tensors, expected the " + expected + " that config.json implies");
        }
    }

    private Optional<StoredFormat.Modules> modules(StoredFormat format, TensorRule rule) throws MalformedFileException {
        try {
            return format.of(rule, stored.names(rule.module(), config));
        } catch (IllegalArgumentException problem) {
            throw new MalformedFileException(
                    ModelFolder.CONFIG, -1, QuantizationConfig.KEY + " has " + problem.getMessage());
        }
    }

    /** Opens a folder whose inputs we can round as its consumers do, so that its quality can be measured. */
    public static CompressedTensorsReader open(Path folder) throws IOException {
        return open(folder, false);
    }

    /** Opens a folder for its weights, however its consumers round inputs; {@link #inputRounding} does not tell. */
    public static CompressedTensorsReader openWeights(Path folder) throws IOException {
        return open(folder, true);
    }

    private static CompressedTensorsReader open(Path folder, boolean weightsAlone) throws IOException {
        Path file = ModelFolder.config(folder);
        ObjectNode json = StrictJson.readFile(file, CONFIG_LIMIT_BYTES);
        StoredFormat format = StoredConfig.read(json, ModelFolder.CONFIG, weightsAlone);
        ObjectNode dense = json.deepCopy();
        dense.remove(QuantizationConfig.KEY);
        ModelConfig config = ModelConfig.of(dense, ModelFolder.CONFIG);
        FolderTensors stored = new FolderTensors(StoredTensors.open(folder, config));
        try {
            return new CompressedTensorsReader(config, format, stored);
        } catch (IOException | RuntimeException failure) {
            stored.close();
            throw failure;
        }
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    /** Logical weights; a quantized one shows the encoding of its codes. */
    @Override
    public List<TensorSpec> tensors() {
        return config.architecture().tensors(config).stream()
                .map(rule -> new TensorSpec(rule.name(), holder(rule).encoding(), rule.shape()))
                .toList();
    }

    private TensorSpec holder(TensorRule rule) {
        QuantizedRows rows = quantized.get(rule.name());
        boolean packed = rows != null && rows.modules().packed();
        return stored.spec(packed ? rule.module() + QuantizationConfig.WEIGHT_PACKED : rule.name());
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws IOException {
        TensorRule rule = rules.get(name);
        if (rule == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        Objects.checkFromToIndex(from, to, rule.shape().rows());
        try {
            read(rule, from, to, destination);
        } catch (InternalError fault) {
            throw stored.changed(holder(rule).name(), fault);
        }
    }

    private void read(TensorRule rule, long from, long to, MemorySegment destination) throws MalformedFileException {
        QuantizedRows rows = quantized.get(rule.name());
        if (rows == null) {
            stored.widen(rule.name(), from, to, destination);
            return;
        }
        long rowBytes = rule.shape().rowLength() * Float.BYTES;
        for (long row = from; row < to; row++) {
            rows.read(row, destination.asSlice((row - from) * rowBytes));
        }
    }

    @Override
    public Optional<InputRounding> inputRounding(String name) {
        return Optional.ofNullable(quantized.get(name))
                .flatMap(rows -> rows.modules().inputRounding());
    }

    @Override
    public void close() {
        stored.close();
    }
}
