package io.millrace.pruner.method;

import io.millrace.events.Parameters.Magnitude;
import io.millrace.tensors.Progress;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.util.List;

/**
 * Unstructured pruning by magnitude (Han et al. 2015, "Learning both Weights and Connections"): the smallest |w| of the
 * linear layers become zero, ranked in each matrix by itself or in all of them together. Embedding, norms, biases and
 * head stay. Exactly floor(fraction × weights) of them go, by the fraction in the decimals that it is written in, so that
 * 0.29 of 100 are 29; among equals at the cut the first ones in storage order.
 */
public final class MagnitudePruning {
    private final Checkpoint source;
    private final Magnitude parameters;
    private final Progress progress;
    private final List<TensorRule> matrices;
    private long done;
    private final long total;

    public MagnitudePruning(Checkpoint source, Magnitude parameters, Progress progress) {
        this.source = source;
        this.parameters = parameters;
        this.progress = progress;
        this.matrices = source.rules().stream()
                .filter(rule -> rule.role() instanceof TensorRole.Linear)
                .toList();
        long written = source.tensors().stream()
                .mapToLong(spec -> spec.shape().elements())
                .sum();
        long counted =
                matrices.stream().mapToLong(rule -> rule.shape().elements()).sum();
        this.total = written + (parameters.fraction().isPresent() ? 2 * counted : 0);
    }

    /** Writes the pruned checkpoint. */
    public void write(Path folder) throws IOException, InterruptedException {
        Zeroing shared = parameters.global() && parameters.fraction().isPresent() ? zeroing(matrices) : null;
        try (DenseWriter writer =
                DenseWriter.derived(folder, source, source.config().json(), source.tensors(), "prune")) {
            for (TensorRule rule : source.rules()) {
                if (rule.role() instanceof TensorRole.Linear) {
                    copy(rule, writer, shared != null ? shared : zeroing(List.of(rule)));
                } else {
                    copy(rule, writer, Zeroing.NONE);
                }
            }
            writer.finish();
        }
    }

    private Zeroing zeroing(List<TensorRule> ranked) throws IOException, InterruptedException {
        if (parameters.threshold().isPresent()) {
            int bits = Float.floatToRawIntBits((float) parameters.threshold().getAsDouble());
            return new Zeroing(bits, 0);
        }
        long weights =
                ranked.stream().mapToLong(rule -> rule.shape().elements()).sum();
        long rank = removed(parameters.fraction().orElseThrow(), weights);
        if (rank == 0) {
            return Zeroing.NONE;
        }
        MagnitudeThreshold threshold = new MagnitudeThreshold();
        for (TensorRule rule : ranked) {
            RowBlocks.forEach(source, rule.name(), (from, count, floats) -> {
                threshold.countHigh(floats, floats.byteSize() / Float.BYTES);
                advance(rule, floats);
            });
        }
        threshold.choose(rank);
        for (TensorRule rule : ranked) {
            RowBlocks.forEach(source, rule.name(), (from, count, floats) -> {
                threshold.countLow(floats, floats.byteSize() / Float.BYTES);
                advance(rule, floats);
            });
        }
        MagnitudeThreshold.Cut cut = threshold.cut(rank);
        return new Zeroing(cut.magnitudeBits(), cut.ties());
    }

    /** How many of so many weights a fraction is; the product of binary numbers may lie below the one that is meant. */
    static long removed(double fraction, long weights) {
        return BigDecimal.valueOf(fraction)
                .multiply(BigDecimal.valueOf(weights))
                .setScale(0, RoundingMode.FLOOR)
                .longValueExact();
    }

    private void copy(TensorRule rule, DenseWriter writer, Zeroing zeroing) throws IOException, InterruptedException {
        RowBlocks.forEach(source, rule.name(), (from, count, floats) -> {
            zeroing.apply(floats, floats.byteSize() / Float.BYTES);
            writer.appendFloats(rule.name(), floats);
            advance(rule, floats);
        });
    }

    private void advance(TensorRule rule, MemorySegment floats) {
        done += floats.byteSize() / Float.BYTES;
        progress.advance(done, total, rule.name());
    }

    /** Zeroes every weight whose magnitude bits lie below the cut, and the first {@code ties} that equal it. */
    private static final class Zeroing {
        static final Zeroing NONE = new Zeroing(0, 0);

        private final int cutBits;
        private long ties;

        Zeroing(int cutBits, long ties) {
            this.cutBits = cutBits;
            this.ties = ties;
        }

        void apply(MemorySegment floats, long elements) {
            if (cutBits == 0 && ties == 0) {
                return;
            }
            for (long i = 0; i < elements; i++) {
                int bits = MagnitudeThreshold.magnitudeBits(floats, i);
                if (bits < cutBits || (bits == cutBits && ties > 0 && ties-- > 0)) {
                    floats.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, 0);
                }
            }
        }
    }
}
