package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.format.safetensors.FolderPaths;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A folder that {@link OnnxPlan} wrote, as a model: its weights as numbers under their Hugging Face names. Reading is safe
 * from several threads. Graphs of other makers name their constants otherwise and are refused.
 */
public final class OnnxWeights implements WeightSource {
    /** About the elements that one step dequantizes. */
    private static final long STEP_ELEMENTS = 1 << 18;

    private static final ValueLayout.OfFloat FILE_FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The code of a block's largest input. */
    private static final float INPUT_REACH = 127;

    private final ModelConfig config;
    private final OnnxFile file;
    private final Map<String, Stored> byName = new HashMap<>();

    /** How a tensor is held. */
    private sealed interface Stored {
        TensorRule rule();
    }

    private record Dense(TensorRule rule, ExternalTensor tensor) implements Stored {}

    private record Blocks(TensorRule rule, int bits, ExternalTensor codes, ExternalTensor scales, boolean inputsRounded)
            implements Stored {}

    private OnnxWeights(ModelConfig config, OnnxFile file) throws MalformedFileException {
        this.config = config;
        this.file = file;
        Set<String> unread = new TreeSet<>(file.graph().tensors().keySet());
        for (TensorRule rule : config.architecture().tensors(config)) {
            Stored stored = WeightNames.inBlocks(rule, config) ? blocks(rule, unread) : dense(rule, unread);
            byName.put(rule.name(), stored);
        }
        for (RotaryTable table : RotaryTable.of(config)) {
            checkTurns(table, false, unread);
            checkTurns(table, true, unread);
        }
        if (!unread.isEmpty()) {
            throw problem("constant '" + unread.iterator().next() + "' is none of the architecture "
                    + config.architecture().className());
        }
    }

    /** Opens a folder. */
    public static OnnxWeights open(Path folder) throws IOException {
        ModelConfig config = ModelConfig.parse(new FolderPaths(folder).inside(ModelFolder.CONFIG));
        return of(config, OnnxFile.open(new FolderPaths(folder).inside(OnnxPlan.GRAPH)));
    }

    /** Takes over the file: it is closed with the weights, or at once if it is not this model. */
    static OnnxWeights of(ModelConfig config, OnnxFile file) throws MalformedFileException {
        try {
            return new OnnxWeights(config, file);
        } catch (MalformedFileException | RuntimeException failure) {
            file.close();
            throw failure;
        }
    }

    private Dense dense(TensorRule rule, Set<String> unread) throws MalformedFileException {
        ExternalTensor tensor = take(rule.name(), rule.shape(), unread);
        if (!tensor.type().dtype().isWeight()) {
            throw problem("constant '" + rule.name() + "' is " + tensor.type() + ", expected numbers with fractions");
        }
        return new Dense(rule, tensor);
    }

    private Blocks blocks(TensorRule rule, Set<String> unread) throws MalformedFileException {
        int bits = file.graph().tensors().containsKey(WeightNames.codes(rule.name(), 8)) ? 8 : 4;
        String name = WeightNames.codes(rule.name(), bits);
        if (rule.shape().rowLength() % NBitsBlocks.ELEMENTS != 0) {
            throw problem("'" + rule.name() + "' has rows of " + rule.shape().rowLength() + ", expected a multiple of "
                    + NBitsBlocks.ELEMENTS);
        }
        ExternalTensor codes = take(name, WeightNames.codesShape(rule, bits), ElementType.UINT8, unread);
        ExternalTensor scales =
                take(WeightNames.scales(rule.name()), WeightNames.scalesShape(rule.shape()), ElementType.FLOAT, unread);
        String multiplied = name;
        if (rule.role() instanceof TensorRole.Embedding) {
            multiplied = WeightNames.codes(WeightNames.HEAD, bits);
            ExternalTensor head =
                    take(multiplied, WeightNames.multiplied(rule.shape(), bits), ElementType.UINT8, unread);
            if (head.offset() != codes.offset()) {
                throw problem("'" + multiplied + "' lies at byte " + head.offset() + " and '" + name + "' at "
                        + codes.offset() + ", expected one place: the head is the embedding");
            }
        }
        OnnxGraph.BlockUse use = requireUse(multiplied, rule, bits);
        return new Blocks(rule, bits, codes, scales, use.attribute("accuracy_level") == OnnxType.INPUTS_ROUNDED);
    }

    private OnnxGraph.BlockUse requireUse(String codes, TensorRule rule, int bits) throws MalformedFileException {
        OnnxGraph.BlockUse use = file.graph().uses().get(codes);
        if (use == null) {
            throw problem("no node " + OnnxGraph.MULTIPLIES + " takes '" + codes + "', expected one");
        }
        Map<String, Long> expected = Map.of(
                "bits",
                (long) bits,
                "block_size",
                (long) NBitsBlocks.ELEMENTS,
                "N",
                rule.shape().extent(0),
                "K",
                rule.shape().extent(1));
        for (Map.Entry<String, Long> attribute : expected.entrySet()) {
            if (use.attribute(attribute.getKey()) != attribute.getValue()) {
                throw problem("the node " + OnnxGraph.MULTIPLIES + " of '" + codes + "' has " + attribute.getKey() + " "
                        + use.attribute(attribute.getKey()) + ", expected " + attribute.getValue());
            }
        }
        if (use.inputs() != 3 || !use.scales().equals(WeightNames.scales(rule.name()))) {
            throw problem("the node " + OnnxGraph.MULTIPLIES + " of '" + codes + "' has " + use.inputs()
                    + " inputs with scales '" + use.scales() + "', expected 3 with '"
                    + WeightNames.scales(rule.name()) + "'");
        }
        return use;
    }

    private ExternalTensor take(String name, Shape shape, ElementType type, Set<String> unread)
            throws MalformedFileException {
        ExternalTensor tensor = take(name, shape, unread);
        if (tensor.type() != type) {
            throw problem("constant '" + name + "' is " + tensor.type() + ", expected " + type);
        }
        return tensor;
    }

    private ExternalTensor take(String name, Shape shape, Set<String> unread) throws MalformedFileException {
        ExternalTensor tensor = file.graph().tensors().get(name);
        if (tensor == null) {
            throw new MalformedFileException(
                    Kind.UNSUPPORTED,
                    OnnxPlan.GRAPH,
                    "constant '" + name + "' is missing, expected the names that Millrace gives: only graphs that it"
                            + " wrote are read");
        }
        if (!tensor.shape().equals(shape)) {
            throw problem(
                    "constant '" + name + "' has shape " + tensor.shape() + ", expected " + shape + " by config.json");
        }
        unread.remove(name);
        return tensor;
    }

    /** Holds the turns of position 1, which tell all others, against config.json. */
    private void checkTurns(RotaryTable table, boolean sine, Set<String> unread) throws MalformedFileException {
        String name = sine ? table.sines() : table.cosines();
        int pairs = table.headSize() / 2;
        ExternalTensor tensor = take(name, Shape.of(table.positions(), pairs), ElementType.FLOAT, unread);
        if (table.positions() < 2) {
            return;
        }
        float[] expected = new float[pairs];
        table.fill(sine, 1, 2, expected);
        MemorySegment found = file.rows(tensor, 1, 2);
        for (int i = 0; i < pairs; i++) {
            float value = found.getAtIndex(FILE_FLOAT, i);
            if (!(Math.abs(value - expected[i]) <= 1e-5)) {
                throw problem(
                        "'" + name + "'[1, " + i + "] is " + value + ", expected " + expected[i] + " by config.json");
            }
        }
    }

    private static MalformedFileException problem(String what) {
        return new MalformedFileException(OnnxPlan.GRAPH, -1, what);
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    /** Bytes of all weights, scales and rotary tables. */
    public long tensorBytes() {
        return file.tensorBytes();
    }

    /** Logical weights; one in blocks shows the type of its codes. */
    @Override
    public List<TensorSpec> tensors() {
        List<TensorSpec> specs = new ArrayList<>();
        for (TensorRule rule : config.architecture().tensors(config)) {
            DType type = switch (Objects.requireNonNull(byName.get(rule.name()))) {
                case Dense dense -> dense.tensor().type().dtype();
                case Blocks _ -> DType.U8;
            };
            specs.add(TensorSpec.plain(rule.name(), type, rule.shape()));
        }
        return List.copyOf(specs);
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) {
        Stored stored = byName.get(name);
        if (stored == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        Objects.checkFromToIndex(from, to, stored.rule().shape().rows());
        switch (stored) {
            case Dense dense -> readDense(dense, from, to, destination);
            case Blocks blocks -> readBlocks(blocks, from, to, destination);
        }
    }

    private void readDense(Dense dense, long from, long to, MemorySegment destination) {
        TensorRule rule = dense.rule();
        long rowLength = rule.shape().rowLength();
        long rowBytes = rowLength * dense.tensor().type().bytes();
        MemorySegment rows = file.bytes(dense.tensor()).asSlice(from * rowBytes, (to - from) * rowBytes);
        Conversion.widen(dense.tensor().type().dtype(), rows, destination, (to - from) * rowLength);
        if (rule.role() instanceof TensorRole.Norm && config.architecture().has(Trait.NORM_OFFSET)) {
            for (long i = 0; i < (to - from) * rowLength; i++) {
                float gain = destination.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES);
                destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES, gain - 1);
            }
        }
    }

    private void readBlocks(Blocks blocks, long from, long to, MemorySegment destination) {
        long rowLength = blocks.rule().shape().rowLength();
        long step = Math.max(1, STEP_ELEMENTS / rowLength);
        for (long row = from; row < to; row += step) {
            long end = Math.min(to, row + step);
            byte[] codes = file.rows(blocks.codes(), row, end).toArray(ValueLayout.JAVA_BYTE);
            float[] scales = file.rows(blocks.scales(), row, end).toArray(FILE_FLOAT);
            float[] values = new float[Math.toIntExact((end - row) * rowLength)];
            NBitsBlocks.dequantize(blocks.bits(), codes, 0, scales, 0, values.length, values, 0);
            MemorySegment.copy(
                    values,
                    0,
                    destination,
                    ValueLayout.JAVA_FLOAT_UNALIGNED,
                    (row - from) * rowLength * Float.BYTES,
                    values.length);
        }
    }

    /** ONNX Runtime rounds each block of a token's inputs to 8 bits, by its largest magnitude, where the graph says so. */
    @Override
    public Optional<InputRounding> inputRounding(String name) {
        return byName.get(name) instanceof Blocks blocks && blocks.inputsRounded
                ? Optional.of(new DynamicRounding(Code.INT8, NBitsBlocks.ELEMENTS, INPUT_REACH))
                : Optional.empty();
    }

    @Override
    public void close() {
        file.close();
    }
}
