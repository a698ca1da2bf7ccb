package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.kernel.pack.GroupFormat;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A checkpoint's compressed form, planned to the last byte before the first is written. Each linear module M [out, in]
 * of a layer becomes three tensors, four in an asymmetric scheme; everything else stays dense.
 *
 * <pre>
 * M.weight_packed  I32 [out, in * bits / 32]   codes + 2^(bits - 1), element i of a row at bit i * bits, low bits first
 * M.weight_scale   BF16 or F16 [out, in / 128] largest magnitude of the group / 7.5 (4 bits) or 127.5 (8 bits);
 *                                              asymmetric: distance of its least and largest weight, or 0, / 15
 * M.weight_shape   I64 [2]                     out, in
 * M.weight_zero_point                          asymmetric only: {@link ZeroPoints}
 * </pre>
 *
 * The model's type is that of its embedding, BF16 for one in F32 (4-bit kernels of consumers take no F32); scales have
 * this type, and dense F32 tensors are rounded to it. The bytes depend on the checkpoint's bytes and the scheme alone.
 */
public final class CompressedTensorsWriter {
    private static final ValueLayout.OfLong FILE_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Checkpoint source;
    private final CompressedScheme scheme;
    private final GroupFormat format;
    private final List<TensorSpec> tensors = new ArrayList<>();

    private CompressedTensorsWriter(Checkpoint source, CompressedScheme scheme) {
        this.source = source;
        this.scheme = scheme;
        this.format =
                new GroupFormat(scheme.bits(), scheme.symmetric(), source.type() == DType.F16 ? DType.F16 : DType.BF16);
        for (TensorRule rule : source.rules()) {
            if (quantized(rule)) {
                tensors.addAll(packed(rule));
            } else {
                tensors.add(TensorSpec.plain(rule.name(), denseType(rule), rule.shape()));
            }
        }
    }

    /** Plans the output; {@link IllegalArgumentException} names a module that the scheme cannot hold. */
    public static CompressedTensorsWriter plan(Checkpoint source, CompressedScheme scheme) {
        for (TensorRule rule : source.rules()) {
            if (quantized(rule) && rule.shape().rowLength() % GroupFormat.GROUP != 0) {
                throw new IllegalArgumentException("module '" + rule.module() + "' has "
                        + rule.shape().rowLength() + " inputs, expected a multiple of " + GroupFormat.GROUP + " for "
                        + scheme + "; prune to such a width or choose a GGUF type with smaller blocks");
            }
        }
        return new CompressedTensorsWriter(source, scheme);
    }

    /** What will be written, in order. */
    public List<TensorSpec> tensors() {
        return List.copyOf(tensors);
    }

    /** Bytes of all tensors. */
    public long tensorBytes() {
        return tensors.stream().mapToLong(TensorSpec::byteSize).sum();
    }

    /** Writes the folder with one thread per processor. */
    public List<TensorReport> write(Path folder, Progress progress) throws IOException, InterruptedException {
        return write(folder, Runtime.getRuntime().availableProcessors(), progress);
    }

    /**
     * Writes the folder and tells what became of each tensor of the source. Interrupted or failed, it leaves no weights
     * behind.
     */
    public List<TensorReport> write(Path folder, int threads, Progress progress)
            throws IOException, InterruptedException {
        ObjectNode config = source.config().json().deepCopy();
        config.set(QuantizationConfig.KEY, QuantizationConfig.of(scheme, denseModules()));
        List<TensorReport> reports = new ArrayList<>();
        long totalBytes =
                source.tensors().stream().mapToLong(TensorSpec::byteSize).sum();
        long doneBytes = 0;
        try (DenseWriter target = DenseWriter.derived(folder, source, config, format.scaleType(), tensors, "quantize");
                RowBlocks blocks = new RowBlocks(source, format, threads)) {
            for (TensorRule rule : source.rules()) {
                reports.add(quantized(rule) ? quantize(rule, target, blocks) : convert(rule, target, blocks));
                doneBytes += source.spec(rule.name()).byteSize();
                progress.advance(doneBytes, totalBytes, rule.name());
            }
            target.finish();
        }
        return List.copyOf(reports);
    }

    private TensorReport quantize(TensorRule rule, DenseWriter target, RowBlocks blocks)
            throws IOException, InterruptedException {
        MemorySegment shape = MemorySegment.ofArray(new byte[2 * Long.BYTES]);
        shape.set(FILE_LONG, 0, rule.shape().extent(0));
        shape.set(FILE_LONG, Long.BYTES, rule.shape().extent(1));
        target.append(rule.module() + QuantizationConfig.WEIGHT_SHAPE, shape);
        return report(rule, scheme.name(), packed(rule), blocks.quantize(rule, block -> {
            target.append(rule.module() + QuantizationConfig.WEIGHT_PACKED, block.packed());
            target.append(rule.module() + QuantizationConfig.WEIGHT_SCALE, block.scales());
            if (!scheme.symmetric()) {
                target.append(rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT, block.zeroPoints());
            }
        }));
    }

    private TensorReport convert(TensorRule rule, DenseWriter target, RowBlocks blocks)
            throws IOException, InterruptedException {
        DType type = denseType(rule);
        List<TensorSpec> specs = List.of(TensorSpec.plain(rule.name(), type, rule.shape()));
        return report(
                rule,
                type.name(),
                specs,
                blocks.convert(rule, type, block -> target.append(rule.name(), block.packed())));
    }

    private static TensorReport report(TensorRule rule, String type, List<TensorSpec> specs, RoundingLoss loss) {
        return new TensorReport(
                rule.name(),
                type,
                rule.shape(),
                specs.stream().mapToLong(TensorSpec::byteSize).sum(),
                loss.relativeError(),
                loss.maxError(),
                loss.zerosBefore(),
                loss.zerosAfter(),
                "");
    }

    private static boolean quantized(TensorRule rule) {
        return switch (rule.role()) {
            case TensorRole.Linear _ -> true;
            case TensorRole.Embedding _,
                    TensorRole.Bias _,
                    TensorRole.Norm _,
                    TensorRole.Router _,
                    TensorRole.OutputHead _ -> false;
        };
    }

    /** Linear modules that stay dense: the output head, whether or not it has a tensor of its own, and routers. */
    private List<String> denseModules() {
        List<String> modules = new ArrayList<>(List.of(QuantizationConfig.HEAD));
        for (TensorRule rule : source.rules()) {
            if (rule.role() instanceof TensorRole.Router) {
                modules.add(rule.module());
            }
        }
        return modules;
    }

    private DType denseType(TensorRule rule) {
        DType stored = source.type(rule.name());
        return stored == DType.F32 ? format.scaleType() : stored;
    }

    private List<TensorSpec> packed(TensorRule rule) {
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        String module = rule.module();
        List<TensorSpec> specs = new ArrayList<>();
        specs.add(TensorSpec.plain(
                module + QuantizationConfig.WEIGHT_PACKED, DType.I32, Shape.of(out, in / format.codesPerWord())));
        Shape groups = Shape.of(out, in / GroupFormat.GROUP);
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_SCALE, format.scaleType(), groups));
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_SHAPE, DType.I64, Shape.of(2)));
        if (!scheme.symmetric()) {
            Shape words = Shape.of(Math.ceilDiv(out, ZeroPoints.rowsPerWord(scheme.bits())), groups.extent(1));
            specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_ZERO_POINT, DType.I32, words));
        }
        return specs;
    }
}
