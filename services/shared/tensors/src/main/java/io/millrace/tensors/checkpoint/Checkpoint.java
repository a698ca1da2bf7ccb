package io.millrace.tensors.checkpoint;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.TensorReader;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.convert.Conversion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A dense checkpoint: config.json and safetensors that hold exactly the tensors which the architecture demands, in F32,
 * F16 or BF16; of a multimodal one the text model, under the names that it has by itself. Reading is safe from several
 * threads.
 */
public final class Checkpoint implements WeightSource {
    /** In the metadata of weights that a stage made; its value is the stage. */
    public static final String MADE = "millrace.made";

    private static final long FINITE_BLOCK_BYTES = 4L << 20;

    private final Path folder;
    private final ModelConfig config;
    private final StoredTensors weights;
    private final List<TensorRule> rules;
    private final Map<String, TensorSpec> specs;
    private final SentenceModules modules;

    private Checkpoint(Path folder, ModelConfig config, StoredTensors weights) throws IOException {
        this.folder = folder;
        this.config = config;
        this.weights = weights;
        this.rules = config.architecture().tensors(config);
        this.specs = new HashMap<>(TensorCheck.check(config, rules, weights));
        this.modules = SentenceModules.in(folder);
    }

    /** Opens and checks a folder. */
    public static Checkpoint open(Path folder) throws IOException {
        return open(folder, ModelConfig.parse(ModelFolder.config(folder)));
    }

    /** Opens a folder as a model of this configuration, whatever else its config.json says. */
    public static Checkpoint open(Path folder, ModelConfig config) throws IOException {
        StoredTensors weights = StoredTensors.open(folder, config);
        try {
            return new Checkpoint(folder, config, weights);
        } catch (IOException | RuntimeException failure) {
            weights.close();
            throw failure;
        }
    }

    /** Opens a folder that a training wrote; one that a stage made is refused, so that no output comes round again. */
    public static Checkpoint openOriginal(Path folder) throws IOException {
        Checkpoint checkpoint = open(folder);
        String stage = checkpoint.metadata().get(MADE);
        if (stage != null) {
            checkpoint.close();
            throw new MalformedFileException(
                    Kind.MADE_BY_MILLRACE,
                    folder,
                    "these weights carry the mark '" + MADE + "' = '" + stage
                            + "': they were made by this pipeline; expected a checkpoint that a training wrote");
        }
        return checkpoint;
    }

    public Path folder() {
        return folder;
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    public Architecture architecture() {
        return config.architecture();
    }

    /** The model's tensors in the architecture's order, with role, layer and GGUF name. */
    public List<TensorRule> rules() {
        return rules;
    }

    /** The model's tensors in the architecture's order, as they are stored. */
    @Override
    public List<TensorSpec> tensors() {
        return rules.stream().map(rule -> spec(rule.name())).toList();
    }

    /** One tensor as it is stored. */
    public TensorSpec spec(String name) {
        TensorSpec spec = specs.get(name);
        if (spec == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        return spec;
    }

    /** The element type of a stored tensor: F32, F16 or BF16. */
    public DType type(String name) {
        return TensorCheck.type(spec(name));
    }

    /** The type of the embedding, which stands for the whole checkpoint. */
    public DType type() {
        return type(rules.getFirst().name());
    }

    /** Weights in the model. */
    public long parameters() {
        return rules.stream().mapToLong(rule -> rule.shape().elements()).sum();
    }

    /** The texts in the headers of the safetensors. */
    public Map<String, String> metadata() {
        return weights.metadata();
    }

    /** Tensors of the part of a multimodal model that sees, which this model is without; {@link #reader} has their bytes. */
    public List<TensorSpec> seeing() {
        return weights.seeing();
    }

    /** What a stage's log says where it writes the text model of a multimodal one alone; empty of other models. */
    public Optional<String> leftOut() {
        return Optional.of(seeing().size())
                .filter(count -> count > 0)
                .map(count -> "the text model alone is written: " + count
                        + " tensors with which a multimodal model sees are left out");
    }

    /** The steps by which sentence-transformers makes embeddings of what the model computes. */
    public SentenceModules modules() {
        return modules;
    }

    /** What the folder calls a tensor of the model. */
    public String storedName(String name) {
        return weights.storedName(name);
    }

    /** What the folder calls a tensor or module, but for the prefix of a multimodal one's text model. */
    public String ownName(String name) {
        return weights.ownName(name);
    }

    /** Whether the folder's names lack the prefix of the body, as those of a model that was saved without a head. */
    public boolean bare() {
        return weights.bare();
    }

    /** The raw bytes; it also lists stored tensors that the model does not use. */
    public TensorReader reader() {
        return weights;
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws MalformedFileException {
        TensorSpec spec = spec(name);
        Objects.checkFromToIndex(from, to, spec.shape().rows());
        try {
            Conversion.widen(
                    TensorCheck.type(spec),
                    weights.rows(name, from, to),
                    destination,
                    (to - from) * spec.shape().rowLength());
        } catch (InternalError fault) {
            throw changed(name, fault);
        }
    }

    private MalformedFileException changed(String name, InternalError fault) {
        return MalformedFileException.changed(
                String.valueOf(weights.fileOf(name).getFileName()), fault);
    }

    /** {@link #read}, and {@link #requireFinite(String, long, MemorySegment)} for all of {@code floats}. */
    public void readFinite(String name, long from, long to, MemorySegment floats) throws MalformedFileException {
        try {
            read(name, from, to, floats);
            requireFinite(name, from, floats);
        } catch (InternalError fault) {
            // Compiled code notices a fault some instructions later, which may be after the reading.
            throw changed(name, fault);
        }
    }

    /**
     * Refuses NaN and infinity among rows that {@link #read} widened.
     *
     * @param floats the rows from {@code from} on; all of the segment is looked at
     */
    public void requireFinite(String name, long from, MemorySegment floats) throws MalformedFileException {
        long index = Conversion.firstNonFinite(floats, floats.byteSize() / Float.BYTES);
        if (index >= 0) {
            long rowLength = spec(name).shape().rowLength();
            float value = floats.get(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
            throw new MalformedFileException(
                    Kind.NOT_FINITE,
                    weights.fileOf(name),
                    "tensor '" + name + "' holds " + value + " in row " + (from + index / rowLength) + ", column "
                            + index % rowLength
                            + ", expected finite numbers; the training diverged: take a checkpoint from before");
        }
    }

    /** Reads every weight once and refuses NaN and infinity. */
    public void requireFinite() throws IOException, InterruptedException {
        for (TensorRule rule : rules) {
            long rowBytes = rule.shape().rowLength() * Float.BYTES;
            long rows = rule.shape().rows();
            long perBlock = Math.max(1, FINITE_BLOCK_BYTES / Math.max(1, rowBytes));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment block = arena.allocate(Math.min(perBlock, rows) * rowBytes, Long.BYTES);
                for (long from = 0; from < rows; from += perBlock) {
                    if (Thread.interrupted()) {
                        throw new InterruptedException();
                    }
                    long to = Math.min(rows, from + perBlock);
                    readFinite(rule.name(), from, to, block.asSlice(0, (to - from) * rowBytes));
                }
            }
        }
    }

    /** Copies tokenizer and generation files into an output. */
    public void copyCompanions(Path target) throws IOException {
        ModelFolder.copyCompanions(folder, target);
    }

    @Override
    public void close() {
        weights.close();
    }
}
