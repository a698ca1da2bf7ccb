package io.millrace.quantizer;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.Literature;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters.CompressedTensors;
import io.millrace.events.Parameters.Gguf;
import io.millrace.events.Parameters.Onnx;
import io.millrace.events.Parameters.Quantize;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.format.compressed.CompressedScheme;
import io.millrace.tensors.format.compressed.CompressedTensorsWriter;
import io.millrace.tensors.format.compressed.ModuleSchemes;
import io.millrace.tensors.format.gguf.GgufCompressor;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.tensors.format.gguf.GgufOptions;
import io.millrace.tensors.format.gguf.GgufPlan;
import io.millrace.tensors.format.gguf.GgufSplit;
import io.millrace.tensors.format.gguf.ImportanceMatrix;
import io.millrace.tensors.format.literature.LiteratureWriter;
import io.millrace.tensors.format.onnx.MissingEnd;
import io.millrace.tensors.format.onnx.OnnxPlan;
import io.millrace.tensors.format.onnx.OnnxType;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Quantizes a checkpoint by rounding to nearest. */
public final class QuantizeStage implements Stage<Quantize> {
    private static final Logger LOG = LoggerFactory.getLogger(QuantizeStage.class);
    /** Each thread has 3 MB of a row block; more threads than this wait for the disk, not for each other. */
    public static final int MOST_THREADS = 16;

    private static final int THREADS =
            Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());

    private final boolean spoiled;
    private final int threads;

    public QuantizeStage() {
        this(PlantedFault.wanted());
    }

    /** @param spoiled plants a fault into every output, to see that it is refused: {@link PlantedFault} */
    public QuantizeStage(boolean spoiled) {
        this(spoiled, THREADS);
    }

    /** @param threads that compute, 1 to {@value #MOST_THREADS}; the output's bytes do not depend on it */
    public QuantizeStage(int threads) {
        this(PlantedFault.wanted(), threads);
    }

    private QuantizeStage(boolean spoiled, int threads) {
        if (threads < 1 || threads > MOST_THREADS) {
            throw new IllegalArgumentException(threads + " threads, expected 1 to " + MOST_THREADS);
        }
        this.spoiled = spoiled;
        this.threads = threads;
    }

    @Override
    public Class<Quantize> parameters() {
        return Quantize.class;
    }

    @Override
    public StageOutput run(StageInput<Quantize> input, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        letGo();
        Path output = Files.createDirectories(workspace.folder().resolve("output"));
        try (Checkpoint source = Checkpoint.open(input.require(Role.MODEL))) {
            Made made = switch (input.parameters()) {
                case Gguf gguf -> gguf(source, gguf, importances(input), output, workspace);
                case CompressedTensors scheme -> Made.whole(compressedTensors(source, scheme, output, workspace));
                case Literature scheme ->
                    Made.whole(new LiteratureWriter(source, LiteratureSchemes.of(scheme))
                            .write(output, threads, workspace::progress));
                case Onnx onnx ->
                    new Made(
                            OnnxPlan.of(source, OnnxType.of(onnx.type())).write(output, threads, workspace::progress),
                            MissingEnd.of(output));
            };
            if (spoiled) {
                LOG.warn("MILLRACE_PLANTED_FAULT is set: this output is spoiled on purpose");
                PlantedFault.plant(output);
            }
            List<TensorSpec> leftOut = List.of();
            if (!(input.parameters() instanceof CompressedTensors)) {
                source.leftOut().ifPresent(LOG::info);
                leftOut = source.seeing();
            }
            source.modules().lost().ifPresent(LOG::info);
            made.note().ifPresent(LOG::warn);
            TensorReportFile.write(output, input.parameters(), made.note(), made.tensors(), leftOut);
            return new StageOutput(output, measurements(made.tensors(), input.device()));
        } catch (MalformedFileException e) {
            throw new StageException(Reason.ofCode(e.kind().code()), String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * What was written.
     *
     * @param note what whoever runs it has to know of the model and cannot read in it
     */
    private record Made(List<TensorReport> tensors, Optional<String> note) {
        static Made whole(List<TensorReport> tensors) {
            return new Made(tensors, Optional.empty());
        }
    }

    /** The input's only file, which says how strongly columns are used; without that input all count alike. */
    private static Optional<ImportanceMatrix> importances(StageInput<?> input) throws IOException, StageException {
        Path folder = input.inputs().get(Role.IMPORTANCE);
        if (folder == null) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> found = files.toList();
            if (found.size() != 1) {
                throw new StageException(
                        Reason.UNSUITABLE_IMPORTANCE,
                        folder + " holds " + found.size() + " files, expected one: an importance matrix");
            }
            return Optional.of(ImportanceMatrix.read(found.getFirst()));
        } catch (MalformedFileException e) {
            throw new StageException(Reason.UNSUITABLE_IMPORTANCE, String.valueOf(e.getMessage()), e);
        }
    }

    private Made gguf(
            Checkpoint source, Gguf gguf, Optional<ImportanceMatrix> importances, Path output, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        if (gguf.needsImportance() && importances.isEmpty()) {
            throw new StageException(
                    Reason.UNSUITABLE_IMPORTANCE,
                    gguf.type() + " is too coarse without an importance matrix; give one, or choose a larger type");
        }
        GgufPlan plan = GgufCompressor.plan(source, options(gguf), importances);
        letGo();
        List<TensorReport> tensors = plan.write(
                output.resolve("model-" + gguf.type() + ".gguf"), threads, workspace::progress, digests(workspace));
        return new Made(
                tensors, plan.lost().isEmpty() ? Optional.empty() : Optional.of(String.join("; ", plan.lost())));
    }

    /**
     * Garbage of the job before, and of a tokenizer of 18 MB, which is 80 MiB. The serial collector enlarges the heap as
     * long as it may rather than look for it: 21 GGUF files of Gemma 3 held 1.8 GiB, one alone 262 MiB.
     */
    private static void letGo() {
        System.gc();
    }

    private Optional<BiConsumer<Path, byte[]>> digests(Workspace workspace) {
        // A planted fault changes the files later.
        return spoiled
                ? Optional.empty()
                : workspace.digests().map(known -> (file, hash) -> known.accept(file, Digest.ofHash(hash)));
    }

    private static GgufOptions options(Gguf gguf) {
        GgufTensorTypes wanted = gguf.tensorTypes();
        return new GgufOptions(
                GgufFileType.valueOf(gguf.type()),
                wanted.pure(),
                wanted.embedding().map(GgufType::valueOf),
                wanted.output().map(GgufType::valueOf),
                wanted.byPattern().stream()
                        .map(override -> new GgufOptions.TensorType(
                                Pattern.compile(override.pattern()), GgufType.valueOf(override.type())))
                        .toList(),
                gguf.parts().map(limit -> switch (limit) {
                    case GgufPartLimit.Size(long bytes) -> new GgufSplit.AtBytes(bytes);
                    case GgufPartLimit.Tensors(int most) -> new GgufSplit.AtTensors(most);
                }));
    }

    private List<TensorReport> compressedTensors(
            Checkpoint source, CompressedTensors scheme, Path output, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        CompressedTensorsWriter plan;
        try {
            plan = CompressedTensorsWriter.plan(
                    source,
                    schemes(scheme),
                    scheme.shards().map(GgufPartLimit.Size::bytes).orElse(DenseWriter.SHARD_BYTES));
        } catch (IllegalArgumentException e) {
            throw new StageException(Reason.UNSUITABLE_SHAPE, String.valueOf(e.getMessage()), e);
        }
        return plan.write(output, threads, workspace::progress, digests(workspace));
    }

    private static ModuleSchemes schemes(CompressedTensors wanted) {
        return new ModuleSchemes(
                CompressedScheme.valueOf(wanted.type()),
                wanted.modules().byPattern().stream()
                        .map(other -> new ModuleSchemes.ModuleScheme(
                                Pattern.compile(other.pattern()), CompressedScheme.valueOf(other.scheme())))
                        .toList(),
                wanted.modules().ignored().stream().map(Pattern::compile).toList());
    }

    /** The loss in the weights themselves; what it does to the model's answers is the benchmark's to say. */
    private static List<Measurement> measurements(List<TensorReport> report, Device device) {
        double worst =
                report.stream().mapToDouble(TensorReport::relativeError).max().orElse(0);
        long fallBacks = report.stream().filter(TensorReport::fallBack).count();
        long zerosBefore = report.stream().mapToLong(TensorReport::zerosBefore).sum();
        long zerosAfter = report.stream().mapToLong(TensorReport::zerosAfter).sum();
        return List.of(
                number("largest-relative-weight-error", worst, OptionalDouble.empty(), "ratio", device),
                number("fall-back-tensors", (double) fallBacks, OptionalDouble.empty(), "tensor", device),
                number("zero-weights", (double) zerosAfter, OptionalDouble.of((double) zerosBefore), "weight", device));
    }

    private static Measurement number(
            String metric, double value, OptionalDouble baseline, String unit, Device device) {
        return new Measurement(
                metric,
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                baseline,
                unit,
                "",
                device,
                1,
                Optional.empty(),
                "");
    }
}
