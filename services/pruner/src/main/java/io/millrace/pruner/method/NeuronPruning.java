package io.millrace.pruner.method;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.events.Parameters.Neurons;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole.Linear;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Structured pruning of the gated feed-forward: the least important neurons leave, with their row of gate, their row of
 * up and their column of down, the same number in every layer, so that one config.json describes the result. File and
 * computation shrink. Which neurons stay is decided layer by layer by their {@link NeuronImportance}; they keep their
 * order and their bits.
 */
public final class NeuronPruning {
    private final Checkpoint source;
    private final int neurons;
    private final int width;
    private final NeuronImportance importance;
    private final Progress progress;
    private final long total;
    private long done;

    public NeuronPruning(Checkpoint source, Neurons parameters, NeuronImportance importance, Progress progress) {
        this.source = source;
        this.neurons = source.config().feedForwardSize();
        this.width = parameters.kept(neurons);
        this.importance = importance;
        this.progress = progress;
        this.total = importance.visits() + source.parameters();
    }

    /** Writes the narrower checkpoint; answers which share of each layer's importance it has. */
    public List<Double> write(Path folder) throws IOException, InterruptedException {
        List<int[]> kept = new ArrayList<>();
        List<Double> shares = new ArrayList<>();
        for (double[] ofLayer : importance.ofLayers(this::advance)) {
            NeuronRanking ranking = new NeuronRanking(ofLayer);
            int[] strongest = ranking.strongest(width);
            kept.add(strongest);
            shares.add(ranking.share(strongest));
        }
        ObjectNode config = source.config().json().deepCopy();
        config.put("intermediate_size", width);
        List<TensorSpec> plan = source.rules().stream().map(this::planned).toList();
        try (DenseWriter writer = DenseWriter.derived(folder, source, config, plan, "prune")) {
            for (TensorRule rule : source.rules()) {
                switch (rule.role()) {
                    case Linear(Projection p)
                    when p == Projection.GATE || p == Projection.UP ->
                        copyRows(rule, writer, kept.get(rule.layer().orElseThrow()));
                    case Linear(Projection p)
                    when p == Projection.GATE_UP ->
                        copyRows(rule, writer, bothHalves(kept.get(rule.layer().orElseThrow())));
                    case Linear(Projection p)
                    when p == Projection.DOWN ->
                        copyColumns(rule, writer, kept.get(rule.layer().orElseThrow()));
                    default -> copy(rule, writer);
                }
            }
            writer.finish();
        }
        return shares;
    }

    /** Rows of gate, then those of the same neurons of up, in a matrix that holds both. */
    private int[] bothHalves(int[] kept) {
        return IntStream.concat(Arrays.stream(kept), Arrays.stream(kept).map(neuron -> neurons + neuron))
                .toArray();
    }

    static boolean feedForward(TensorRule rule) {
        return rule.role() instanceof Linear(Projection p)
                && (p == Projection.GATE || p == Projection.UP || p == Projection.GATE_UP || p == Projection.DOWN);
    }

    private TensorSpec planned(TensorRule rule) {
        Encoding encoding = source.spec(rule.name()).encoding();
        if (!(rule.role() instanceof Linear(Projection p))) {
            return new TensorSpec(rule.name(), encoding, rule.shape());
        }
        Shape shape = switch (p) {
            case GATE, UP -> Shape.of(width, rule.shape().rowLength());
            case GATE_UP -> Shape.of(2L * width, rule.shape().rowLength());
            case DOWN -> Shape.of(rule.shape().rows(), width);
            case QUERY, KEY, VALUE, QUERY_KEY_VALUE, ATTENTION_OUTPUT, EXPERT_GATE, EXPERT_UP, EXPERT_DOWN ->
                rule.shape();
        };
        return new TensorSpec(rule.name(), encoding, shape);
    }

    private void copy(TensorRule rule, DenseWriter writer) throws IOException, InterruptedException {
        RowBlocks.forEach(source, rule.name(), (from, count, floats) -> {
            writer.append(rule.name(), source.reader().rows(rule.name(), from, from + count));
            advance(floats.byteSize() / Float.BYTES, rule.name());
        });
    }

    private void copyRows(TensorRule rule, DenseWriter writer, int[] rows) throws IOException {
        for (int row : rows) {
            writer.append(rule.name(), source.reader().rows(rule.name(), row, row + 1));
        }
        advance(rule.shape().elements(), rule.name());
    }

    private void copyColumns(TensorRule rule, DenseWriter writer, int[] columns) throws IOException {
        int bytes = source.type(rule.name()).bytes();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment narrow = arena.allocate((long) columns.length * bytes, Long.BYTES);
            for (long row = 0; row < rule.shape().rows(); row++) {
                MemorySegment wide = source.reader().rows(rule.name(), row, row + 1);
                for (int i = 0; i < columns.length; i++) {
                    MemorySegment.copy(wide, (long) columns[i] * bytes, narrow, (long) i * bytes, bytes);
                }
                writer.append(rule.name(), narrow);
            }
        }
        advance(rule.shape().elements(), rule.name());
    }

    private void advance(long weights, String what) {
        done += weights;
        progress.advance(done, total, what);
    }
}
