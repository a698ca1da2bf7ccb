package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A checkpoint's compressed form, planned to the last byte before the first is written. Each linear module [out, in] of
 * a layer that has a scheme becomes the tensors of its {@link ModuleLayout}; everything else stays dense.
 *
 * <p>Of a multimodal checkpoint the text model is compressed, and the rest copied, so that it is multimodal still.
 *
 * <p>The model's type is that of its embedding, BF16 for one in F32 (4-bit kernels of consumers take no F32) and beside
 * 4-bit floats, which consumers turn into BF16 and multiply by nothing else. Scales have this type, and dense F32 tensors
 * are rounded to it; beside 4-bit floats those in F16, too. The bytes depend on the checkpoint's bytes and the schemes alone.
 */
public final class CompressedTensorsWriter {
    private static final long COPY_BYTES = 4L << 20;

    private final Checkpoint source;
    private final Map<String, CompressedScheme> schemes; // by the name of the weight; others stay dense
    private final boolean smallFloats; // of 4 bits, in any module
    private final DType modelType;
    private final long shardBytes;
    private final List<TensorSpec> tensors = new ArrayList<>();

    private CompressedTensorsWriter(Checkpoint source, ModuleSchemes wanted, long shardBytes)
            throws MalformedFileException {
        this.source = source;
        this.schemes = wanted.of(source.config());
        this.shardBytes = shardBytes;
        this.smallFloats = schemes.values().stream().anyMatch(scheme -> scheme.code() == Code.E2M1);
        this.modelType = source.type() == DType.F16 && !smallFloats ? DType.F16 : DType.BF16;
        for (TensorRule rule : source.rules()) {
            CompressedScheme scheme = schemes.get(rule.name());
            if (scheme == null) {
                tensors.add(TensorSpec.plain(stored(rule).name(), denseType(rule), rule.shape()));
            } else {
                tensors.addAll(checked(rule, scheme).tensors(stored(rule)));
            }
        }
        tensors.addAll(source.seeing());
    }

    /** Under the name that the source has for it, so that engines of a multimodal model, or of a body, find it. */
    private TensorRule stored(TensorRule rule) {
        return rule.named(source.storedName(rule.name()));
    }

    private ModuleLayout checked(TensorRule rule, CompressedScheme scheme) {
        ModuleLayout layout = ModuleLayout.of(scheme, modelType);
        if (rule.shape().rowLength() % layout.rowMultiple() != 0) {
            throw new IllegalArgumentException("module '" + rule.module() + "' has "
                    + rule.shape().rowLength() + " inputs, expected a multiple of " + layout.rowMultiple() + " for "
                    + scheme + "; choose "
                    + (rule.shape().rowLength() % ScaledRows.ROW_MULTIPLE == 0
                            ? "FP8_DYNAMIC or W8A8, which take multiples of " + ScaledRows.ROW_MULTIPLE + ", or "
                            : "")
                    + "a GGUF type, which takes rows of any length");
        }
        return layout;
    }

    /** Plans an output with one scheme, in files of the usual size. */
    public static CompressedTensorsWriter plan(Checkpoint source, CompressedScheme scheme)
            throws MalformedFileException {
        return plan(source, ModuleSchemes.of(scheme), DenseWriter.SHARD_BYTES);
    }

    /**
     * Plans the output; {@link IllegalArgumentException} names a module that its scheme cannot hold, or two that must have
     * the same.
     *
     * @param shardBytes most tensor bytes in one file
     */
    public static CompressedTensorsWriter plan(Checkpoint source, ModuleSchemes schemes, long shardBytes)
            throws MalformedFileException {
        return new CompressedTensorsWriter(source, schemes, shardBytes);
    }

    /** Bytes of all tensors. */
    public long tensorBytes() {
        return tensors.stream().mapToLong(TensorSpec::byteSize).sum();
    }

    /** Writes the folder with so many threads. */
    public List<TensorReport> write(Path folder, int threads, Progress progress)
            throws IOException, InterruptedException {
        return write(folder, threads, progress, Optional.empty());
    }

    /**
     * Writes the folder and tells what became of each tensor of the source. Interrupted or failed, it leaves no weights
     * behind.
     *
     * @param digests takes the SHA-256 of each finished file of tensors
     */
    public List<TensorReport> write(
            Path folder, int threads, Progress progress, Optional<BiConsumer<Path, byte[]>> digests)
            throws IOException, InterruptedException {
        ObjectNode config =
                source.config().multimodal().orElse(source.config().json()).deepCopy();
        config.set(QuantizationConfig.KEY, QuantizationConfig.of(groups(), denseModules()));
        List<Supplier<TensorReport>> reports = new ArrayList<>();
        long totalBytes = Stream.concat(source.tensors().stream(), source.seeing().stream())
                .mapToLong(TensorSpec::byteSize)
                .sum();
        long doneBytes = 0;
        try (DenseWriter target = DenseWriter.derived(
                        folder, source, config, modelType, tensors, "quantize", shardBytes, digests);
                ModuleBlocks blocks = new ModuleBlocks(source, threads)) {
            for (TensorRule rule : source.rules()) {
                CompressedScheme scheme = schemes.get(rule.name());
                reports.add(scheme == null ? convert(rule, target, blocks) : quantize(rule, scheme, target, blocks));
                doneBytes += source.spec(rule.name()).byteSize();
                progress.advance(doneBytes, totalBytes, rule.name());
            }
            blocks.finish();
            for (TensorSpec seeing : source.seeing()) {
                TensorReport copied = copy(seeing, target);
                reports.add(() -> copied);
                doneBytes += seeing.byteSize();
                progress.advance(doneBytes, totalBytes, seeing.name());
            }
            if (source.config().multimodal().isPresent()) {
                ModelFolder.copySeeingCompanions(source.folder(), folder);
            }
            target.finish();
        }
        return reports.stream().map(Supplier::get).toList();
    }

    /** The report can be had when the blocks are finished. */
    private Supplier<TensorReport> quantize(
            TensorRule rule, CompressedScheme scheme, DenseWriter target, ModuleBlocks blocks)
            throws IOException, InterruptedException {
        ModuleLayout layout = ModuleLayout.of(scheme, modelType);
        ModuleLayout own = layout.spansModules() ? layout.spanning(blocks.largestOfMerged(rule)) : layout;
        TensorRule stored = stored(rule);
        append(stored, own.head(stored), target);
        RoundingLoss loss = blocks.quantize(rule, own, block -> append(stored, block.parts(), target));
        String note = scheme.blocks() ? StackedBlocks.note(rule, source.config()) : "";
        return () -> report(rule, scheme.name(), own.tensors(stored), loss, note);
    }

    private static void append(TensorRule rule, List<ModuleLayout.Part> parts, DenseWriter target) throws IOException {
        for (ModuleLayout.Part part : parts) {
            target.append(rule.module() + part.suffix(), part.bytes());
        }
    }

    /** Likewise. */
    private Supplier<TensorReport> convert(TensorRule rule, DenseWriter target, ModuleBlocks blocks)
            throws IOException, InterruptedException {
        DType type = denseType(rule);
        TensorRule stored = stored(rule);
        List<TensorSpec> specs = List.of(TensorSpec.plain(stored.name(), type, rule.shape()));
        RoundingLoss loss = blocks.convert(rule, type, block -> append(stored, block.parts(), target));
        return () -> report(rule, type.name(), specs, loss, "");
    }

    /** The part that sees stays as it is. */
    private TensorReport copy(TensorSpec tensor, DenseWriter target) throws IOException, InterruptedException {
        long rows = tensor.shape().rows();
        long rowsPerBlock = Math.max(1, COPY_BYTES * rows / Math.max(1, tensor.byteSize()));
        for (long from = 0; from < rows; from += rowsPerBlock) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            target.append(
                    tensor.name(), source.reader().rows(tensor.name(), from, Math.min(rows, from + rowsPerBlock)));
        }
        return new TensorReport(
                tensor.name(),
                tensor.encoding().toString(),
                tensor.shape(),
                tensor.byteSize(),
                0,
                0,
                0,
                0,
                false,
                "copied: what a multimodal model sees with is not quantized");
    }

    private static TensorReport report(
            TensorRule rule, String type, List<TensorSpec> specs, RoundingLoss loss, String note) {
        return new TensorReport(
                rule.name(),
                type,
                rule.shape(),
                specs.stream().mapToLong(TensorSpec::byteSize).sum(),
                loss.relativeError(),
                loss.maxError(),
                loss.zerosBefore(),
                loss.zerosAfter(),
                false,
                note);
    }

    /** A group for each scheme, in the order of the model. */
    private List<QuantizationConfig.Group> groups() {
        List<CompressedScheme> used = schemes.values().stream().distinct().toList();
        if (used.size() == 1) {
            return List.of(new QuantizationConfig.Group(used.getFirst(), List.of(QuantizationConfig.EVERY_LINEAR)));
        }
        List<TensorRule> quantized = source.rules().stream()
                .filter(rule -> schemes.containsKey(rule.name()))
                .toList();
        return used.stream()
                .map(scheme -> new QuantizationConfig.Group(
                        scheme, ModuleTargets.of(quantized, rule -> schemes.get(rule.name()) == scheme)))
                .toList();
    }

    /** Linear modules that stay dense: the output head, whether or not it has a tensor of its own, routers, and what was asked for. */
    private List<String> denseModules() {
        boolean seeing = source.config().multimodal().isPresent();
        Set<String> modules = new LinkedHashSet<>();
        for (TensorRule rule : source.rules()) {
            boolean ignored = rule.role() instanceof TensorRole.Linear && !schemes.containsKey(rule.name());
            if (ignored || rule.role() instanceof TensorRole.Router) {
                modules.add(ModuleTargets.one(rule, seeing, source.bare()));
            }
        }
        modules.addAll(seeing ? QuantizationConfig.SEEING : List.of(QuantizationConfig.HEAD));
        return List.copyOf(modules);
    }

    private DType denseType(TensorRule rule) {
        DType stored = source.type(rule.name());
        return stored == DType.F32 || smallFloats ? modelType : stored;
    }
}
