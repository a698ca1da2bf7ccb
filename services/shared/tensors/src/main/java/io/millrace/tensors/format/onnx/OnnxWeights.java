package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.format.safetensors.FolderPaths;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * An ONNX graph and the config.json beside it as a model: its weights as numbers under their Hugging Face names. What
 * {@link OnnxPlan} wrote is held against its plan; graphs of other makers are read as {@link ForeignGraph} describes.
 * Reading is safe from several threads.
 */
public final class OnnxWeights implements WeightSource {
    /** The code of a block's largest input. */
    private static final float INPUT_REACH = 127;

    private final ModelConfig config;
    private final OnnxFile file;
    private final WeightRows rows;
    private final Map<String, StoredWeight> stored;
    private final Map<String, TensorRule> rules = new HashMap<>();

    private OnnxWeights(ModelConfig config, OnnxFile file, Map<String, StoredWeight> stored) {
        this.config = config;
        this.file = file;
        this.rows = new WeightRows(file);
        this.stored = Map.copyOf(stored);
        for (TensorRule rule : config.architecture().tensors(config)) {
            rules.put(rule.name(), rule);
        }
    }

    /** Opens a folder whose graph is {@value OnnxPlan#GRAPH}. */
    public static OnnxWeights open(Path folder) throws IOException {
        return openGraph(folder.resolve(OnnxPlan.GRAPH));
    }

    /** Opens a graph whatever its name. */
    public static OnnxWeights openGraph(Path graph) throws IOException {
        Path folder = Objects.requireNonNull(graph.toAbsolutePath().getParent(), "a file has a folder");
        FolderPaths paths = new FolderPaths(folder);
        if (!Files.exists(folder.resolve(ModelFolder.CONFIG))) {
            throw new MalformedFileException(
                    Kind.MALFORMED_CHECKPOINT,
                    graph,
                    "found no config.json beside it, and a graph does not say what its model is; copy the config.json of"
                            + " the checkpoint that it was made from to there");
        }
        ModelConfig config = ModelConfig.parse(paths.inside(ModelFolder.CONFIG));
        return of(config, OnnxFile.open(paths.inside(String.valueOf(graph.getFileName()))));
    }

    /** Takes over the file: it is closed with the weights, or at once if it is not this model. */
    static OnnxWeights of(ModelConfig config, OnnxFile file) throws MalformedFileException {
        try {
            if (file.metadata().containsKey(Checkpoint.MADE)) {
                return new OnnxWeights(config, file, OwnGraph.find(config, file));
            }
            ForeignGraph foreign = new ForeignGraph(config, file);
            ModelConfig meant = foreign.config();
            return new OnnxWeights(meant, file, foreign.find(meant));
        } catch (MalformedFileException | RuntimeException failure) {
            file.close();
            throw failure;
        }
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    /** Bytes of all weights and what belongs to them; rotary tables, which are computed, do not count. */
    public long tensorBytes() {
        return file.weightBytes();
    }

    /** Logical weights; one in blocks shows the type of its codes. */
    @Override
    public List<TensorSpec> tensors() {
        List<TensorSpec> specs = new ArrayList<>();
        for (TensorRule rule : config.architecture().tensors(config)) {
            specs.add(TensorSpec.plain(rule.name(), type(stored(rule.name())), rule.shape()));
        }
        return List.copyOf(specs);
    }

    private static DType type(StoredWeight weight) {
        return switch (weight) {
            case StoredWeight.Dense(ExternalTensor tensor, var _) ->
                tensor.type().dtype();
            case StoredWeight.Transposed(ExternalTensor tensor, var _) ->
                tensor.type().dtype();
            case StoredWeight.Blocks _ -> DType.U8;
            case StoredWeight.Part(StoredWeight whole, var _, var _) -> type(whole);
            case StoredWeight.Stacked(List<StoredWeight> parts) -> type(parts.getFirst());
        };
    }

    private StoredWeight stored(String name) {
        StoredWeight weight = stored.get(name);
        if (weight == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        return weight;
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws MalformedFileException {
        StoredWeight weight = stored(name);
        TensorRule rule = Objects.requireNonNull(rules.get(name), name);
        Objects.checkFromToIndex(from, to, rule.shape().rows());
        long rowLength = rule.shape().rowLength();
        try {
            rows.read(weight, rowLength, from, to, destination);
        } catch (InternalError fault) {
            throw MalformedFileException.changed(file.dataName(), fault);
        }
        if (rule.role() instanceof TensorRole.Norm && config.architecture().has(Trait.NORM_OFFSET)) {
            for (long i = 0; i < (to - from) * rowLength; i++) {
                float gain = destination.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES);
                destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES, gain - 1);
            }
        }
    }

    /** ONNX Runtime rounds each block of a token's inputs to 8 bits, by its largest magnitude, where the graph says so. */
    @Override
    public Optional<InputRounding> inputRounding(String name) {
        StoredWeight weight = stored.get(name);
        return weight == null
                ? Optional.empty()
                : weight.blocks()
                        .filter(StoredWeight.Blocks::inputsRounded)
                        .map(blocks ->
                                new DynamicRounding(Code.INT8, blocks.format().elements(), INPUT_REACH));
    }

    @Override
    public void close() {
        file.close();
    }
}
