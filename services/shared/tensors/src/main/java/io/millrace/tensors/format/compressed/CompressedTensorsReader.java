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
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.convert.Float8;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A compressed-tensors folder as F32 weights: (code - zero point) * scale, straight from the format's definition, of our
 * own writer or of others: packed groups of any size or whole rows, with or without zero points, and rows of bytes. Every tensor's type and shape
 * was checked when the constructor returned; scales are checked as they are read.
 */
public final class CompressedTensorsReader implements WeightSource {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final List<DType> FLOATS = List.of(DType.F32, DType.F16, DType.BF16);
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;

    private final ModelConfig config;
    private final SafetensorsFolder weights;
    private final StoredFormat format;
    private final Map<String, TensorRule> rules = new HashMap<>();
    private final Map<String, TensorSpec> stored = new HashMap<>();

    private CompressedTensorsReader(ModelConfig config, StoredFormat format, SafetensorsFolder weights)
            throws MalformedFileException {
        this.config = config;
        this.weights = weights;
        this.format = format;
        weights.tensors().forEach(tensor -> stored.put(tensor.name(), tensor));
        int expected = 0;
        for (TensorRule rule : config.architecture().tensors(config)) {
            rules.put(rule.name(), rule);
            expected += check(rule);
        }
        if (expected != stored.size()) {
            throw new MalformedFileException(
                    SafetensorsFolder.SINGLE,
                    -1,
                    "found " + stored.size() + " tensors, expected the " + expected + " that config.json implies");
        }
    }

    public static CompressedTensorsReader open(Path folder) throws IOException {
        Path file = ModelFolder.config(folder);
        ObjectNode json = StrictJson.readFile(file, CONFIG_LIMIT_BYTES);
        StoredFormat format = QuantizationConfig.read(json, ModelFolder.CONFIG);
        ObjectNode dense = json.deepCopy();
        dense.remove(QuantizationConfig.KEY);
        ModelConfig config = ModelConfig.of(dense, ModelFolder.CONFIG);
        SafetensorsFolder weights = SafetensorsFolder.open(folder);
        try {
            return new CompressedTensorsReader(config, format, weights);
        } catch (IOException | RuntimeException failure) {
            weights.close();
            throw failure;
        }
    }

    /** Checks the tensors that hold one weight; returns how many there are. */
    private int check(TensorRule rule) throws MalformedFileException {
        if (!format.quantizes(rule)) {
            require(rule.name(), rule.shape(), FLOATS);
            return 1;
        }
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        long groupLength = format.groupLength(in);
        if (in == 0 || in % groupLength != 0) {
            throw problem(rule.name(), "has rows of " + in + ", expected a multiple of " + groupLength);
        }
        if (!format.packed()) {
            require(rule.name(), rule.shape(), List.of(format.codeType()));
            require(rule.module() + QuantizationConfig.WEIGHT_SCALE, Shape.of(out, in / groupLength), FLOATS);
            return 2;
        }
        String packed = rule.module() + QuantizationConfig.WEIGHT_PACKED;
        String scale = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        String shape = rule.module() + QuantizationConfig.WEIGHT_SHAPE;
        require(packed, Shape.of(out, words(in)), List.of(DType.I32));
        require(scale, Shape.of(out, in / groupLength), FLOATS);
        require(shape, Shape.of(2), List.of(DType.I64));
        MemorySegment values = weights.rows(shape, 0, 1);
        if (values.get(LONG, 0) != out || values.get(LONG, Long.BYTES) != in) {
            throw problem(
                    shape,
                    "holds [" + values.get(LONG, 0) + ", " + values.get(LONG, Long.BYTES) + "], expected "
                            + rule.shape());
        }
        if (format.symmetric()) {
            return 3;
        }
        String zeroPoint = rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT;
        require(zeroPoint, Shape.of(words(out), in / groupLength), List.of(DType.I32));
        return 4;
    }

    /** Words that hold {@code codes} codes in a row. */
    private long words(long codes) {
        return Math.ceilDiv(Math.multiplyExact(codes, format.bits()), Integer.SIZE);
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
        String name = format.quantizes(rule) && format.packed()
                ? rule.module() + QuantizationConfig.WEIGHT_PACKED
                : rule.name();
        return Objects.requireNonNull(stored.get(name));
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws IOException {
        TensorRule rule = rules.get(name);
        if (rule == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        Objects.checkFromToIndex(from, to, rule.shape().rows());
        if (format.quantizes(rule)) {
            for (long row = from; row < to; row++) {
                readRow(
                        rule,
                        row,
                        destination.asSlice((row - from) * rule.shape().rowLength() * Float.BYTES));
            }
        } else {
            Conversion.widen(
                    type(name),
                    weights.rows(name, from, to),
                    destination,
                    (to - from) * rule.shape().rowLength());
        }
    }

    private void readRow(TensorRule rule, long row, MemorySegment destination) throws MalformedFileException {
        int rowLength = Math.toIntExact(rule.shape().rowLength());
        int groupLength = Math.toIntExact(format.groupLength(rowLength));
        int groups = rowLength / groupLength;
        String scaleName = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        float[] scales = new float[groups];
        Conversion.widen(type(scaleName), weights.rows(scaleName, row, row + 1), MemorySegment.ofArray(scales), groups);
        for (float scale : scales) {
            if (!Float.isFinite(scale)) {
                throw problem(scaleName, "holds " + scale + " in row " + row + ", expected a finite number");
            }
        }
        if (format.packed()) {
            unpackRow(rule, row, scales, groupLength, destination);
        } else {
            scaleRow(rule, row, scales, groupLength, destination);
        }
    }

    private void unpackRow(TensorRule rule, long row, float[] scales, int groupLength, MemorySegment destination) {
        MemorySegment words = weights.rows(rule.module() + QuantizationConfig.WEIGHT_PACKED, row, row + 1);
        MemorySegment zeroWords = zeroPointWords(rule, row);
        for (int group = 0; group < scales.length; group++) {
            int zero = zeroPoint(zeroWords, row, group);
            for (int i = group * groupLength; i < (group + 1) * groupLength; i++) {
                int code = code(words, 0, i) - zero;
                destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES, code * scales[group]);
            }
        }
    }

    private void scaleRow(TensorRule rule, long row, float[] scales, int groupLength, MemorySegment destination)
            throws MalformedFileException {
        MemorySegment codes = weights.rows(rule.name(), row, row + 1);
        for (int i = 0; i < scales.length * groupLength; i++) {
            byte code = codes.get(ValueLayout.JAVA_BYTE, i);
            float value = format.codeType() == DType.I8 ? code : Float8.fromE4m3(code);
            if (Float.isNaN(value)) {
                throw problem(rule.name(), "holds NaN in row " + row + ", column " + i + ", expected a number");
            }
            destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES, value * scales[i / groupLength]);
        }
    }

    /** The words in whose columns the zero points of a row lie. */
    private MemorySegment zeroPointWords(TensorRule rule, long row) {
        if (format.symmetric()) {
            return MemorySegment.NULL;
        }
        long wordRow = row / (Integer.SIZE / format.bits());
        return weights.rows(rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT, wordRow, wordRow + 1);
    }

    /** The code that means 0, as it is stored: with 2^(bits - 1) added. */
    private int zeroPoint(MemorySegment words, long row, int group) {
        return format.symmetric()
                ? 1 << (format.bits() - 1)
                : code(words, (long) group * Integer.BYTES, (int) (row % (Integer.SIZE / format.bits())));
    }

    /** Code number {@code index} of a stream of words that begins at {@code offset}. */
    private int code(MemorySegment words, long offset, int index) {
        long bit = (long) index * format.bits();
        int word = words.get(WORD, offset + bit / Integer.SIZE * Integer.BYTES);
        return (word >>> (int) (bit % Integer.SIZE)) & ((1 << format.bits()) - 1);
    }

    private DType type(String name) {
        return switch (Objects.requireNonNull(stored.get(name)).encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) -> throw new IllegalStateException("safetensors with blocks of " + blocks);
        };
    }

    @Override
    public Optional<InputRounding> inputRounding(String name) {
        TensorRule rule = rules.get(name);
        return rule != null && format.quantizes(rule) ? format.inputRounding() : Optional.empty();
    }

    @Override
    public void close() {
        weights.close();
    }
}
