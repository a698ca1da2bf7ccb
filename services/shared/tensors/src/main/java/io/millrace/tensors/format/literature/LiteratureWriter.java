package io.millrace.tensors.format.literature;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseBlock;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.RowBlocks;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.literature.CodeRange;
import io.millrace.tensors.kernel.literature.RowRounding;
import io.millrace.tensors.kernel.literature.UniformFit;
import io.millrace.tensors.kernel.literature.UniformGrid;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * A checkpoint whose linear modules hold code * scale, in the checkpoint's own types. Beside it, in the folder
 * {@value SchemeJson#CODES}:
 *
 * <pre>
 * M.weight_codes  U8 [out, ceil(in * bits / 8)]   {@link PackedCodes}
 * M.weight_scale  F32 [1], or [out, 1] where each row has its own
 * </pre>
 *
 * The dense value is the product in F32, rounded to the type of the tensor; embedding, head, norms, biases and routers stay
 * as they are. The bytes depend on the checkpoint's bytes and the scheme alone.
 */
public final class LiteratureWriter {
    private static final String CODES = ".weight_codes";
    private static final String SCALE = ".weight_scale";

    private final Checkpoint source;
    private final LiteratureScheme scheme;
    private final CodeRange range;

    /** Rows of a matrix as codes, scales and the numbers they stand for. */
    private record Block(MemorySegment codes, MemorySegment scales, DenseBlock dense) {}

    public LiteratureWriter(Checkpoint source, LiteratureScheme scheme) {
        this.source = source;
        this.scheme = scheme;
        this.range = scheme.weights().rounding().range();
    }

    /**
     * Writes the folder and tells what became of each tensor of the source. Interrupted or failed, it leaves no weights
     * behind.
     */
    public List<TensorReport> write(Path folder, int threads, Progress progress)
            throws IOException, InterruptedException {
        ObjectNode config = source.config().json().deepCopy();
        ObjectNode described = SchemeJson.of(scheme);
        config.set(SchemeJson.KEY, described);
        Map<String, String> metadata = Map.of(
                Checkpoint.MADE,
                "quantize",
                SchemeJson.KEY,
                new String(StrictJson.compact(described), StandardCharsets.UTF_8));
        List<TensorReport> reports = new ArrayList<>();
        long totalBytes =
                source.tensors().stream().mapToLong(TensorSpec::byteSize).sum();
        long doneBytes = 0;
        try (DenseWriter dense = DenseWriter.derived(folder, source, config, source.tensors(), "quantize");
                SafetensorsWriter codes = SafetensorsWriter.open(
                        folder.resolve(SchemeJson.CODES), codeTensors(), metadata, DenseWriter.SHARD_BYTES);
                RowBlocks blocks = new RowBlocks(source, threads)) {
            for (TensorRule rule : source.rules()) {
                reports.add(coded(rule) ? quantize(rule, dense, codes, blocks) : copy(rule, dense, blocks));
                doneBytes += source.spec(rule.name()).byteSize();
                progress.advance(doneBytes, totalBytes, rule.name());
            }
            codes.finish();
            dense.finish();
        }
        return List.copyOf(reports);
    }

    private static boolean coded(TensorRule rule) {
        return switch (rule.role()) {
            case TensorRole.Linear _ -> true;
            case TensorRole.Embedding _,
                    TensorRole.Bias _,
                    TensorRole.Norm _,
                    TensorRole.Router _,
                    TensorRole.OutputHead _ -> false;
        };
    }

    private List<TensorSpec> codeTensors() {
        return source.rules().stream()
                .filter(LiteratureWriter::coded)
                .flatMap(rule -> codeTensors(rule).stream())
                .toList();
    }

    /** Beside the weight's name in the dense folder. */
    private String named(TensorRule rule, String suffix) {
        return source.ownName(rule.module()) + suffix;
    }

    private List<TensorSpec> codeTensors(TensorRule rule) {
        long out = rule.shape().extent(0);
        return List.of(
                TensorSpec.plain(
                        named(rule, CODES),
                        DType.U8,
                        Shape.of(out, PackedCodes.rowBytes(rule.shape().extent(1), range))),
                TensorSpec.plain(
                        named(rule, SCALE),
                        DType.F32,
                        scheme.weights().scalePerRow() ? Shape.of(out, 1) : Shape.of(1)));
    }

    private RowRounding rounding(TensorRule rule, RowBlocks blocks) throws IOException, InterruptedException {
        return switch (scheme.weights()) {
            case LiteratureScheme.Uniform(int bits, OptionalDouble levels)
            when levels.isEmpty() -> fitted(bits, rule, blocks);
            case LiteratureScheme.Weights weights -> weights.rounding();
        };
    }

    private static UniformGrid fitted(int bits, TensorRule rule, RowBlocks blocks)
            throws IOException, InterruptedException {
        List<UniformGrid> grids = UniformFit.starts(bits, blocks.largest(rule));
        for (int turn = 0; turn < UniformFit.TURNS; turn++) {
            List<UniformGrid> tried = grids;
            double[] sums = new double[2 * tried.size()];
            blocks.<double[]>inOrder(rule, 1, (fromRow, weights) -> UniformFit.sums(tried, weights), part -> {
                for (int i = 0; i < sums.length; i++) {
                    sums[i] += part[i];
                }
            });
            grids = List.of(UniformFit.next(tried, sums));
        }
        return grids.getFirst();
    }

    private TensorReport quantize(TensorRule rule, DenseWriter dense, SafetensorsWriter codes, RowBlocks blocks)
            throws IOException, InterruptedException {
        RowRounding rounding = rounding(rule, blocks);
        if (rounding instanceof UniformGrid grid) {
            codes.append(named(rule, SCALE), floats(grid.scale()));
        }
        RoundingLoss loss = new RoundingLoss();
        blocks.<Block>inOrder(rule, 1, (fromRow, weights) -> block(rule, fromRow, weights, rounding), block -> {
            codes.append(named(rule, CODES), block.codes());
            if (scheme.weights().scalePerRow()) {
                codes.append(named(rule, SCALE), block.scales());
            }
            dense.append(rule.name(), block.dense().bytes());
            loss.add(block.dense().loss());
        });
        long bytes = codeTensors(rule).stream().mapToLong(TensorSpec::byteSize).sum();
        return report(rule, scheme.weights().name(), bytes, loss);
    }

    private Block block(TensorRule rule, long fromRow, float[] weights, RowRounding rounding) throws IOException {
        int length = Math.toIntExact(rule.shape().rowLength());
        byte[] codes = new byte[weights.length];
        float[] scales = new float[weights.length / length];
        float[] numbers = new float[weights.length];
        for (int row = 0; row < scales.length; row++) {
            scales[row] = rounding.round(weights, row * length, length, codes);
            for (int i = row * length; i < (row + 1) * length; i++) {
                numbers[i] = codes[i] * scales[row];
            }
        }
        DType type = source.type(rule.name());
        return new Block(
                MemorySegment.ofArray(PackedCodes.pack(codes, length, range)),
                floats(scales),
                DenseBlock.of(source, rule, fromRow, weights, numbers, type));
    }

    private static MemorySegment floats(float... numbers) throws IOException {
        MemorySegment bytes = MemorySegment.ofArray(new byte[numbers.length * Float.BYTES]);
        Conversion.narrow(DType.F32, MemorySegment.ofArray(numbers), bytes, numbers.length);
        return bytes;
    }

    private TensorReport copy(TensorRule rule, DenseWriter dense, RowBlocks blocks)
            throws IOException, InterruptedException {
        DType type = source.type(rule.name());
        RoundingLoss loss = new RoundingLoss();
        blocks.<DenseBlock>inOrder(
                rule, 1, (fromRow, weights) -> DenseBlock.of(source, rule, fromRow, weights, weights, type), block -> {
                    dense.append(rule.name(), block.bytes());
                    loss.add(block.loss());
                });
        return report(rule, type.name(), source.spec(rule.name()).byteSize(), loss);
    }

    private static TensorReport report(TensorRule rule, String type, long bytes, RoundingLoss loss) {
        return new TensorReport(
                rule.name(),
                type,
                rule.shape(),
                bytes,
                loss.relativeError(),
                loss.maxError(),
                loss.zerosBefore(),
                loss.zerosAfter(),
                "");
    }
}
