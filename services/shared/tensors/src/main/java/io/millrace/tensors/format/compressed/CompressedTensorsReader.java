package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.convert.Conversion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A compressed-tensors folder as F32 weights: (code - 2^(bits - 1)) * scale, straight from the format's definition.
 * Every tensor's type and shape was checked when the constructor returned; scales are checked as they are read.
 */
public final class CompressedTensorsReader implements WeightSource {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;
    private static final int GROUP = 128;

    private final ModelConfig config;
    private final SafetensorsFolder weights;
    private final int bits;
    private final Map<String, TensorRule> rules = new HashMap<>();
    private final Map<String, TensorSpec> stored = new HashMap<>();

    private CompressedTensorsReader(ModelConfig config, CompressedScheme scheme, SafetensorsFolder weights)
            throws MalformedFileException {
        this.config = config;
        this.weights = weights;
        this.bits = scheme.bits();
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
        CompressedScheme scheme = QuantizationConfig.read(json, ModelFolder.CONFIG);
        ObjectNode dense = json.deepCopy();
        dense.remove(QuantizationConfig.KEY);
        ModelConfig config = ModelConfig.of(dense, ModelFolder.CONFIG);
        SafetensorsFolder weights = SafetensorsFolder.open(folder);
        try {
            return new CompressedTensorsReader(config, scheme, weights);
        } catch (IOException | RuntimeException failure) {
            weights.close();
            throw failure;
        }
    }

    /** Checks the tensors that hold one weight; returns how many there are. */
    private int check(TensorRule rule) throws MalformedFileException {
        if (!(rule.role() instanceof TensorRole.Linear)) {
            require(rule.name(), rule.shape(), List.of(DType.F32, DType.F16, DType.BF16));
            return 1;
        }
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        if (in % GROUP != 0) {
            throw problem(rule.name(), "has rows of " + in + ", expected a multiple of " + GROUP);
        }
        String packed = rule.module() + QuantizationConfig.WEIGHT_PACKED;
        String scale = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        String shape = rule.module() + QuantizationConfig.WEIGHT_SHAPE;
        require(packed, Shape.of(out, in * bits / Integer.SIZE), List.of(DType.I32));
        require(scale, Shape.of(out, in / GROUP), List.of(DType.F16, DType.BF16));
        require(shape, Shape.of(2), List.of(DType.I64));
        MemorySegment values = weights.rows(shape, 0, 1);
        if (values.get(LONG, 0) != out || values.get(LONG, Long.BYTES) != in) {
            throw problem(
                    shape,
                    "holds [" + values.get(LONG, 0) + ", " + values.get(LONG, Long.BYTES) + "], expected "
                            + rule.shape());
        }
        return 3;
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
        String name = rule.role() instanceof TensorRole.Linear
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
        if (rule.role() instanceof TensorRole.Linear) {
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
        int groups = Math.toIntExact(rule.shape().rowLength() / GROUP);
        String scaleName = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        float[] scales = new float[groups];
        Conversion.widen(type(scaleName), weights.rows(scaleName, row, row + 1), MemorySegment.ofArray(scales), groups);
        MemorySegment words = weights.rows(rule.module() + QuantizationConfig.WEIGHT_PACKED, row, row + 1);
        int mask = (1 << bits) - 1;
        int zero = 1 << (bits - 1);
        for (int group = 0; group < groups; group++) {
            if (!Float.isFinite(scales[group])) {
                throw problem(scaleName, "holds " + scales[group] + " in row " + row + ", expected a finite number");
            }
            for (int i = group * GROUP; i < (group + 1) * GROUP; i++) {
                long bit = (long) i * bits;
                int word = words.get(WORD, bit / Integer.SIZE * Integer.BYTES);
                int code = ((word >>> (int) (bit % Integer.SIZE)) & mask) - zero;
                destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES, code * scales[group]);
            }
        }
    }

    private DType type(String name) {
        return switch (Objects.requireNonNull(stored.get(name)).encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) -> throw new IllegalStateException("safetensors with blocks of " + blocks);
        };
    }

    @Override
    public void close() {
        weights.close();
    }
}
