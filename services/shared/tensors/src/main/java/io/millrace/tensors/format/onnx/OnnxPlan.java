package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A folder with an ONNX model that is decided to its last byte's position before the first is written: the graph, the
 * file of weights, what the generation library wants to know, config.json and the tokenizer's files.
 */
public final class OnnxPlan {
    /** The graph. */
    public static final String GRAPH = "model.onnx";
    /** The weights. */
    public static final String DATA = "model.onnx.data";
    /** In the metadata: the level of every MatMulNBits, as {@link OnnxType} explains it. */
    static final String ACCURACY_LEVEL = "millrace.accuracy_level";

    static final String TYPE = "millrace.type";

    private static final String PRODUCER = "millrace";
    /** What the attention operator's rotation demands of a head. */
    private static final int HEAD_MULTIPLE = 16;
    /** Of the cosines and sines together: four million positions of a usual head. */
    private static final long MOST_TURN_BYTES = 2L << 30;

    private final Checkpoint checkpoint;
    private final OnnxType type;
    private final int accuracyLevel;
    private final DataLayout layout;

    private OnnxPlan(Checkpoint checkpoint, OnnxType type, int accuracyLevel) {
        this.checkpoint = checkpoint;
        this.type = type;
        this.accuracyLevel = accuracyLevel;
        this.layout = new DataLayout(checkpoint, type);
    }

    /**
     * Decides everything about the folder, or refuses the model by what cannot be said in such a graph.
     *
     * @param checkpoint the dense model; it must stay open until the plan is written
     */
    public static OnnxPlan of(Checkpoint checkpoint, OnnxType type) throws MalformedFileException {
        return of(checkpoint, type, type.accuracyLevel());
    }

    /** Likewise with an accuracy level other than the type's own, 0 to 4. */
    public static OnnxPlan of(Checkpoint checkpoint, OnnxType type, int accuracyLevel) throws MalformedFileException {
        ModelConfig config = checkpoint.config();
        if (config.experts().isPresent()) {
            throw refused(
                    Kind.UNSUPPORTED,
                    config,
                    "is a mixture of experts, which ONNX Runtime's operators for processors do not compute");
        }
        if (config.ropeScaling().orElse(null) instanceof RopeScaling.LongRope) {
            throw refused(
                    Kind.UNSUPPORTED,
                    config,
                    "turns by long rope, whose angles depend on the length of the text, which one table of them"
                            + " cannot say");
        }
        boolean rotary =
                config.attention().stream().anyMatch(layer -> layer.rotary().isPresent());
        if (rotary && (config.headSize() % HEAD_MULTIPLE != 0 || config.rotarySize() % HEAD_MULTIPLE != 0)) {
            throw refused(
                    Kind.UNSUITABLE_SHAPE,
                    config,
                    "has heads of " + config.headSize() + " of which " + config.rotarySize()
                            + " are turned, expected multiples of " + HEAD_MULTIPLE + " for ONNX Runtime's attention");
        }
        requireTurnsOfAReasonableSize(config);
        for (TensorRule rule : checkpoint.rules()) {
            if (WeightNames.inBlocks(rule, config) && rule.shape().rowLength() % NBitsBlocks.ELEMENTS != 0) {
                throw refused(
                        Kind.UNSUITABLE_SHAPE,
                        config,
                        "has module '" + rule.module() + "' with "
                                + rule.shape().rowLength() + " inputs, expected a multiple of "
                                + NBitsBlocks.ELEMENTS);
            }
        }
        GenaiTokenizer.require(checkpoint.folder());
        return new OnnxPlan(checkpoint, type, accuracyLevel);
    }

    private static void requireTurnsOfAReasonableSize(ModelConfig config) throws MalformedFileException {
        long bytesPerPosition = RotaryTable.of(config).stream()
                .mapToLong(RotaryTable::bytesPerPosition)
                .sum();
        if (bytesPerPosition * config.maxPositions() > MOST_TURN_BYTES) {
            throw new MalformedFileException(
                    Kind.UNSUITABLE_SHAPE,
                    ModelFolder.CONFIG,
                    "'max_position_embeddings' is " + config.maxPositions()
                            + ", for which the graph's tables of cosines and sines would take "
                            + bytesPerPosition * config.maxPositions() + " bytes, expected at most " + MOST_TURN_BYTES
                            + "; lower it to at most " + MOST_TURN_BYTES / bytesPerPosition
                            + " positions or choose a GGUF type");
        }
    }

    private static MalformedFileException refused(Kind kind, ModelConfig config, String what) {
        return new MalformedFileException(
                kind,
                ModelFolder.CONFIG,
                "this " + config.architecture().className() + " " + what + "; choose a GGUF type");
    }

    /**
     * Writes the folder: the graph, without which no reader takes it for a model, comes last. If this fails neither graph
     * nor weights are left behind. The bytes do not depend on {@code threads}, each of which holds a row block of about
     * 4 MiB.
     *
     * @return one report per tensor of the checkpoint, in the order of the file
     */
    public List<TensorReport> write(Path folder, int threads, Progress progress)
            throws IOException, InterruptedException {
        ModelConfig config = checkpoint.config();
        Files.createDirectories(folder);
        List<TensorReport> reports;
        try (DataFileWriter writer = new DataFileWriter(folder, DATA, layout, threads)) {
            reports = writer.write(checkpoint, progress);
        }
        try {
            checkpoint.copyCompanions(folder);
            GenaiTokenizer.takeOneTemplate(folder);
            text(folder, ModelFolder.CONFIG, StrictJson.print(config.headed()));
            text(folder, GenaiConfig.FILE, StrictJson.print(GenaiConfig.of(config, checkpoint.folder(), GRAPH)));
            DurableFiles.write(folder.resolve(GRAPH), graph());
        } catch (IOException | RuntimeException failure) {
            Files.deleteIfExists(folder.resolve(DATA));
            throw failure;
        }
        return reports;
    }

    private byte[] graph() {
        GraphWriter graph = new DecoderGraph(checkpoint.config(), type.bits(), accuracyLevel).build();
        graph.external(DATA, layout.tensors());
        Map<String, String> metadata = new TreeMap<>();
        metadata.put(Checkpoint.MADE, "quantize");
        metadata.put(TYPE, type.code());
        metadata.put(ACCURACY_LEVEL, Integer.toString(accuracyLevel));
        return graph.model(PRODUCER, metadata);
    }

    private static void text(Path folder, String name, String content) throws IOException {
        DurableFiles.write(folder.resolve(name), content.getBytes(StandardCharsets.UTF_8));
    }
}
