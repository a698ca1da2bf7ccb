package io.millrace.tensors.format.compressed;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.VectorBlocks;
import java.util.List;

/**
 * What vLLM demands of modules with a scale per block of rows and columns that it stacks into one matrix: each but the last
 * ends where a block ends (its {@code validate_fp8_block_shape}). transformers, which stacks nothing, runs all.
 */
final class StackedBlocks {
    private StackedBlocks() {}

    /** What the report says of a module that vLLM does not load; empty of others. */
    static String note(TensorRule rule, ModelConfig config) {
        return parts(rule).stream()
                .map(part -> part.shape(config).extent(0))
                .filter(rows -> rows % VectorBlocks.SIDE != 0)
                .findFirst()
                .map(rows -> "vLLM does not load it: found " + rows + " rows of a matrix that it stacks others below,"
                        + " expected a multiple of " + VectorBlocks.SIDE
                        + "; choose another scheme for what it stacks, or ignore that")
                .orElse("");
    }

    /** What a module holds that something is stacked below. */
    private static List<Projection> parts(TensorRule rule) {
        if (!(rule.role() instanceof TensorRole.Linear(Projection projection))) {
            return List.of();
        }
        return switch (projection) {
            case QUERY, KEY, GATE, EXPERT_GATE -> List.of(projection);
            case QUERY_KEY_VALUE -> List.of(Projection.QUERY, Projection.KEY);
            case GATE_UP -> List.of(Projection.GATE);
            case VALUE, UP, EXPERT_UP, ATTENTION_OUTPUT, DOWN, EXPERT_DOWN -> List.of();
        };
    }
}
