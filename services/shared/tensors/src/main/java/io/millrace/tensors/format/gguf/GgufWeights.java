package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Encoding;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A GGUF file as a model: its weights as numbers under their Hugging Face names, q and k rows back in Hugging Face's
 * order. Reading is safe from several threads.
 */
public final class GgufWeights implements WeightSource {
    /** About the elements that one step dequantizes. */
    private static final int STEP_ELEMENTS = 1 << 18;

    private final GgufReader reader;
    private final ModelConfig config;
    private final List<TensorSpec> tensors = new ArrayList<>();
    private final Map<String, Stored> byName = new HashMap<>();

    private record Stored(TensorRule rule, GgufType type) {}

    private GgufWeights(GgufReader reader) throws MalformedFileException {
        this.reader = reader;
        refuseForeignTypes();
        this.config = GgufConfig.of(reader);
        Map<String, GgufTensor> unread = new HashMap<>();
        for (GgufTensor tensor : reader.header().tensors()) {
            unread.put(tensor.name(), tensor);
        }
        List<TensorRule> rules = config.architecture().tensors(config);
        for (List<TensorRule> parts : GgufStacks.of(rules)) {
            String name = parts.getFirst().ggufName();
            GgufTensor tensor = unread.remove(name);
            if (tensor == null) {
                throw problem("tensor '" + name + "' is missing, expected shape " + GgufStacks.shape(parts));
            }
            requireShape(tensor, GgufStacks.shape(parts));
            parts.forEach(rule -> byName.put(rule.name(), new Stored(rule, tensor.type())));
        }
        for (TensorRule rule : rules) {
            GgufType type = Objects.requireNonNull(byName.get(rule.name())).type();
            tensors.add(new TensorSpec(rule.name(), new Encoding.Blocks(type), rule.shape()));
        }
        checkRopeFactors(unread);
        if (!unread.isEmpty()) {
            throw problem(
                    "tensor '" + unread.keySet().stream().sorted().findFirst().orElseThrow()
                            + "' is none of the architecture '"
                            + config.architecture().ggufName() + "'");
        }
    }

    public static GgufWeights open(Path file) throws IOException {
        return of(GgufReader.open(file));
    }

    /** Takes over the reader: it is closed with the weights, or at once if the file is no model. */
    static GgufWeights of(GgufReader reader) throws MalformedFileException {
        try {
            return new GgufWeights(reader);
        } catch (MalformedFileException | RuntimeException failure) {
            reader.close();
            throw failure;
        }
    }

    private void refuseForeignTypes() throws MalformedFileException {
        for (GgufTensor tensor : reader.header().tensors()) {
            if (!(tensor.layout() instanceof GgufType)) {
                throw problem("tensor '" + tensor.name() + "' is of type " + tensor.layout() + ", expected one of "
                        + Arrays.toString(GgufType.values()) + "; take the same model in another type");
            }
        }
    }

    private void checkRopeFactors(Map<String, GgufTensor> unread) throws MalformedFileException {
        for (Map.Entry<String, List<Float>> factors : RopeFactors.of(config).entrySet()) {
            GgufTensor tensor = unread.remove(factors.getKey());
            if (tensor == null) {
                throw problem("tensor '" + factors.getKey() + "' is missing, but the rotary angles are scaled");
            }
            List<Float> expected = factors.getValue();
            requireShape(tensor, Shape.of(expected.size()));
            float[] found = dequantized(tensor.name(), tensor.type(), 0, 1, expected.size());
            for (int i = 0; i < found.length; i++) {
                if (!(Math.abs(found[i] - expected.get(i)) <= 1e-5 * expected.get(i))) {
                    throw problem("'" + tensor.name() + "'[" + i + "] is " + found[i] + ", expected " + expected.get(i)
                            + " by the model's config");
                }
            }
        }
    }

    private void requireShape(GgufTensor tensor, Shape expected) throws MalformedFileException {
        if (!tensor.shape().equals(expected)) {
            throw problem("tensor '" + tensor.name() + "' has shape " + tensor.shape() + ", expected " + expected);
        }
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(reader.file(), -1, what);
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public List<TensorSpec> tensors() {
        return List.copyOf(tensors);
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws MalformedFileException {
        Stored stored = byName.get(name);
        if (stored == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        TensorRule rule = stored.rule();
        Objects.checkFromToIndex(from, to, rule.shape().rows());
        int rowLength = Math.toIntExact(rule.shape().rowLength());
        if (rule.permutedHeads() > 0 && rule.shape().rank() == 1) {
            float[] interleaved = dequantized(rule.ggufName(), stored.type(), 0, 1, rowLength);
            int headSize = rowLength / rule.permutedHeads();
            for (int i = 0; i < rowLength; i++) {
                destination.set(
                        ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, interleaved[(int) RotaryOrder.inGguf(i, headSize)]);
            }
            return;
        }
        boolean permuted = rule.permutedHeads() > 0;
        long headSize = permuted ? rule.shape().extent(0) / rule.permutedHeads() : 1;
        long step = permuted ? 1 : Math.max(1, STEP_ELEMENTS / rowLength);
        for (long row = from; row < to; row += step) {
            long source = permuted ? RotaryOrder.inGguf(row, headSize) : row;
            source += rule.expert().orElse(0) * rule.shape().rows();
            long end = Math.min(to - row, step) + source;
            float[] values = dequantized(rule.ggufName(), stored.type(), source, end, rowLength);
            for (int i = 0; rule.ggufOffset() != 0 && i < values.length; i++) {
                values[i] -= rule.ggufOffset();
            }
            MemorySegment.copy(
                    values,
                    0,
                    destination,
                    ValueLayout.JAVA_FLOAT_UNALIGNED,
                    (row - from) * rowLength * Float.BYTES,
                    values.length);
        }
    }

    private float[] dequantized(String ggufName, GgufType type, long from, long to, int rowLength)
            throws MalformedFileException {
        byte[] blocks = reader.copyOfRows(ggufName, from, to);
        float[] values = new float[Math.toIntExact((to - from) * rowLength)];
        BlockDequantizer.dequantize(type, blocks, 0, values.length, values, 0);
        return values;
    }

    @Override
    public void close() {
        reader.close();
    }
}
