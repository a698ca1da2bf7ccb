package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.checkpoint.StoredTensors;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.convert.Float4;
import io.millrace.tensors.kernel.convert.Float8;
import io.millrace.tensors.kernel.pack.InputRounding;
import io.millrace.tensors.kernel.pack.PowerOfTwoScale;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
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
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final List<DType> FLOATS = List.of(DType.F32, DType.F16, DType.BF16);
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;

    private final ModelConfig config;
    private final StoredTensors weights;
    private final Map<String, TensorRule> rules = new LinkedHashMap<>();
    private final Map<String, StoredFormat.Modules> quantized = new HashMap<>(); // by the name of the weight
    private final Map<String, TensorSpec> stored = new HashMap<>();

    private CompressedTensorsReader(ModelConfig config, StoredFormat format, StoredTensors weights)
            throws MalformedFileException {
        this.config = config;
        this.weights = weights;
        weights.tensors().forEach(tensor -> stored.put(tensor.name(), tensor));
        for (TensorRule rule : config.architecture().tensors(config)) {
            rules.put(rule.name(), rule);
            modules(format, rule).ifPresent(modules -> quantized.put(rule.name(), modules));
        }
        int expected = 0;
        for (TensorRule rule : rules.values()) {
            expected += check(rule);
        }
        if (expected != stored.size()) {
            throw new MalformedFileException(
                    SafetensorsFolder.SINGLE,
                    -1,
                    "found " + stored.size() + " tensors, expected the " + expected + " that config.json implies");
        }
    }

    private Optional<StoredFormat.Modules> modules(StoredFormat format, TensorRule rule) throws MalformedFileException {
        try {
            return format.of(rule, config.names(rule.module()));
        } catch (IllegalArgumentException problem) {
            throw new MalformedFileException(
                    ModelFolder.CONFIG, -1, QuantizationConfig.KEY + " has " + problem.getMessage());
        }
    }

    public static CompressedTensorsReader open(Path folder) throws IOException {
        Path file = ModelFolder.config(folder);
        ObjectNode json = StrictJson.readFile(file, CONFIG_LIMIT_BYTES);
        StoredFormat format = StoredConfig.read(json, ModelFolder.CONFIG);
        ObjectNode dense = json.deepCopy();
        dense.remove(QuantizationConfig.KEY);
        ModelConfig config = ModelConfig.of(dense, ModelFolder.CONFIG);
        StoredTensors weights = StoredTensors.open(folder, config);
        try {
            return new CompressedTensorsReader(config, format, weights);
        } catch (IOException | RuntimeException failure) {
            weights.close();
            throw failure;
        }
    }

    /** Checks the tensors that hold one weight; returns how many there are. */
    private int check(TensorRule rule) throws MalformedFileException {
        StoredFormat.Modules modules = quantized.get(rule.name());
        if (modules == null) {
            require(rule.name(), rule.shape(), FLOATS);
            return 1;
        }
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        long groupLength = modules.groupLength(in);
        if (in == 0 || (in % groupLength != 0 && !modules.blocks())) {
            throw problem(rule.name(), "has rows of " + in + ", expected a multiple of " + groupLength);
        }
        Shape scales = modules.groupRows() == 0
                ? Shape.of(1)
                : Shape.of(modules.scaleRows(out), Math.ceilDiv(in, groupLength));
        String scale = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        return switch (modules.kind()) {
            case INTEGERS, FLOATS -> {
                require(
                        rule.name(),
                        rule.shape(),
                        List.of(modules.kind() == StoredFormat.Kind.FLOATS ? DType.F8_E4M3 : DType.I8));
                require(scale, scales, FLOATS);
                yield 2;
            }
            case PACKED_INTEGERS -> {
                require(
                        rule.module() + QuantizationConfig.WEIGHT_PACKED,
                        Shape.of(out, words(in, modules)),
                        List.of(DType.I32));
                require(scale, scales, FLOATS);
                checkStoredShape(rule);
                if (!modules.symmetric()) {
                    require(
                            rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT,
                            Shape.of(words(out, modules), in / groupLength),
                            List.of(DType.I32));
                }
                yield modules.symmetric() ? 3 : 4;
            }
            case MX_FLOATS, NV_FLOATS -> {
                boolean powersOfTwo = modules.kind() == StoredFormat.Kind.MX_FLOATS;
                require(
                        rule.module() + QuantizationConfig.WEIGHT_PACKED,
                        Shape.of(out, Math.ceilDiv(in, 2)),
                        List.of(DType.U8));
                require(scale, scales, List.of(powersOfTwo ? DType.U8 : DType.F8_E4M3));
                if (!powersOfTwo) {
                    String global = rule.module() + QuantizationConfig.WEIGHT_GLOBAL_SCALE;
                    require(global, Shape.of(1), List.of(DType.F32));
                    float value = globalScale(rule);
                    if (!Float.isFinite(value) || value <= 0) {
                        throw problem(global, "holds " + value + ", expected a number above 0");
                    }
                }
                yield powersOfTwo ? 2 : 3;
            }
        };
    }

    private void checkStoredShape(TensorRule rule) throws MalformedFileException {
        String shape = rule.module() + QuantizationConfig.WEIGHT_SHAPE;
        require(shape, Shape.of(2), List.of(DType.I64));
        MemorySegment values = weights.rows(shape, 0, 1);
        if (values.get(LONG, 0) != rule.shape().extent(0)
                || values.get(LONG, Long.BYTES) != rule.shape().extent(1)) {
            throw problem(
                    shape,
                    "holds [" + values.get(LONG, 0) + ", " + values.get(LONG, Long.BYTES) + "], expected "
                            + rule.shape());
        }
    }

    private float globalScale(TensorRule rule) {
        return weights.rows(rule.module() + QuantizationConfig.WEIGHT_GLOBAL_SCALE, 0, 1)
                .get(FLOAT, 0);
    }

    /** Words that hold {@code codes} codes in a row. */
    private static long words(long codes, StoredFormat.Modules modules) {
        return Math.ceilDiv(Math.multiplyExact(codes, modules.code().bits()), Integer.SIZE);
    }

    private void require(String name, Shape shape, List<DType> types) throws MalformedFileException {
        TensorSpec found = stored.get(name);
        if (found == null) {
            throw problem(name, "is missing");
        }
        if (!found.shape().equals(shape)
                || types.stream().noneMatch(type -> found.equals(TensorSpec.plain(name, type, shape)))) {
            throw problem(
                    name,
                    "has " + found.encoding() + " and shape " + found.shape() + ", expected one of " + types + " and "
                            + shape);
        }
    }

    private static MalformedFileException problem(String tensor, String what) {
        return new MalformedFileException(SafetensorsFolder.SINGLE, -1, "tensor '" + tensor + "' " + what);
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
        StoredFormat.Modules modules = quantized.get(rule.name());
        String name =
                modules != null && modules.packed() ? rule.module() + QuantizationConfig.WEIGHT_PACKED : rule.name();
        return Objects.requireNonNull(stored.get(name));
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws IOException {
        TensorRule rule = rules.get(name);
        if (rule == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        Objects.checkFromToIndex(from, to, rule.shape().rows());
        StoredFormat.Modules modules = quantized.get(name);
        long rowLength = rule.shape().rowLength();
        if (modules == null) {
            Conversion.widen(type(name), weights.rows(name, from, to), destination, (to - from) * rowLength);
            return;
        }
        for (long row = from; row < to; row++) {
            readRow(rule, modules, row, destination.asSlice((row - from) * rowLength * Float.BYTES));
        }
    }

    private void readRow(TensorRule rule, StoredFormat.Modules modules, long row, MemorySegment destination)
            throws MalformedFileException {
        float[] scales = scales(rule, modules, row);
        switch (modules.kind()) {
            case PACKED_INTEGERS -> unpackIntegers(rule, modules, row, scales, destination);
            case INTEGERS, FLOATS -> scaleBytes(rule, modules, row, scales, destination);
            case MX_FLOATS, NV_FLOATS -> unpackFloats(rule, modules, row, scales, destination);
        }
    }

    /** The scales of a row's groups. */
    private float[] scales(TensorRule rule, StoredFormat.Modules modules, long row) throws MalformedFileException {
        long rowLength = rule.shape().rowLength();
        float[] scales = new float[Math.toIntExact(Math.ceilDiv(rowLength, modules.groupLength(rowLength)))];
        String name = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        long scaleRow = modules.scaleRow(row);
        MemorySegment bytes = weights.rows(name, scaleRow, scaleRow + 1);
        switch (modules.kind()) {
            case MX_FLOATS -> {
                for (int group = 0; group < scales.length; group++) {
                    scales[group] = PowerOfTwoScale.value(bytes.get(ValueLayout.JAVA_BYTE, group));
                }
            }
            case NV_FLOATS -> {
                float global = globalScale(rule);
                for (int group = 0; group < scales.length; group++) {
                    scales[group] = Float8.fromE4m3(bytes.get(ValueLayout.JAVA_BYTE, group)) / global;
                }
            }
            case PACKED_INTEGERS, INTEGERS, FLOATS ->
                Conversion.widen(type(name), bytes, MemorySegment.ofArray(scales), scales.length);
        }
        for (float scale : scales) {
            if (!Float.isFinite(scale)) {
                throw problem(name, "holds " + scale + " in row " + scaleRow + ", expected a finite number");
            }
        }
        return scales;
    }

    private void unpackIntegers(
            TensorRule rule, StoredFormat.Modules modules, long row, float[] scales, MemorySegment destination) {
        MemorySegment words = weights.rows(rule.module() + QuantizationConfig.WEIGHT_PACKED, row, row + 1);
        int groupLength = Math.toIntExact(modules.groupLength(rule.shape().rowLength()));
        int bits = modules.code().bits();
        long wordRow = row / (Integer.SIZE / bits);
        MemorySegment zeroWords = modules.symmetric()
                ? MemorySegment.NULL
                : weights.rows(rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT, wordRow, wordRow + 1);
        for (int group = 0; group < scales.length; group++) {
            // The code that means 0, as it is stored: with 2^(bits - 1) added.
            int zero = modules.symmetric()
                    ? 1 << (bits - 1)
                    : code(zeroWords, (long) group * Integer.BYTES, (int) (row % (Integer.SIZE / bits)), bits);
            for (int i = group * groupLength; i < (group + 1) * groupLength; i++) {
                set(destination, i, (code(words, 0, i, bits) - zero) * scales[group]);
            }
        }
    }

    private void scaleBytes(
            TensorRule rule, StoredFormat.Modules modules, long row, float[] scales, MemorySegment destination)
            throws MalformedFileException {
        MemorySegment codes = weights.rows(rule.name(), row, row + 1);
        long rowLength = rule.shape().rowLength();
        int groupLength = Math.toIntExact(modules.groupLength(rowLength));
        for (int i = 0; i < rowLength; i++) {
            float value = modules.code().value(codes.get(ValueLayout.JAVA_BYTE, i));
            if (Float.isNaN(value)) {
                throw problem(rule.name(), "holds NaN in row " + row + ", column " + i + ", expected a number");
            }
            set(destination, i, value * scales[i / groupLength]);
        }
    }

    private void unpackFloats(
            TensorRule rule, StoredFormat.Modules modules, long row, float[] scales, MemorySegment destination) {
        MemorySegment codes = weights.rows(rule.module() + QuantizationConfig.WEIGHT_PACKED, row, row + 1);
        for (int i = 0; i < rule.shape().rowLength(); i++) {
            int pair = codes.get(ValueLayout.JAVA_BYTE, i / 2);
            float value = Float4.fromE2m1((byte) (i % 2 == 0 ? pair : pair >> 4));
            set(destination, i, value * scales[i / modules.groupSize()]);
        }
    }

    private static void set(MemorySegment destination, int index, float value) {
        destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) index * Float.BYTES, value);
    }

    /** Code number {@code index} of a stream of words that begins at {@code offset}. */
    private static int code(MemorySegment words, long offset, int index, int bits) {
        long bit = (long) index * bits;
        int word = words.get(WORD, offset + bit / Integer.SIZE * Integer.BYTES);
        return (word >>> (int) (bit % Integer.SIZE)) & ((1 << bits) - 1);
    }

    private DType type(String name) {
        return switch (Objects.requireNonNull(stored.get(name)).encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) -> throw new IllegalStateException("safetensors with blocks of " + blocks);
        };
    }

    @Override
    public Optional<InputRounding> inputRounding(String name) {
        return Optional.ofNullable(quantized.get(name)).flatMap(StoredFormat.Modules::inputRounding);
    }

    @Override
    public void close() {
        weights.close();
    }
}
