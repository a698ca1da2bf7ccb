package io.millrace.tensors.architecture;

import io.millrace.tensors.Shape;
import java.util.Optional;

/**
 * Where a tensor of a mixture lies in a checkpoint that transformers 5 saved as it holds it in memory
 * ({@code save_original_format=False}): all experts of a layer in one tensor, each with its gate's rows before its up's,
 * and the router under one name for all families.
 *
 * @param name as it is stored
 * @param fromRow the first of the rows that are the tensor's, all leading axes flattened
 */
public record ExpertStack(String name, Shape shape, long fromRow) {
    /** Where the tensor of a rule would lie; empty if it belongs to no mixture. */
    public static Optional<ExpertStack> of(TensorRule rule, ModelConfig config) {
        if (config.experts().isEmpty() || rule.layer().isEmpty()) {
            return Optional.empty();
        }
        String block = "model.layers." + rule.layer().getAsInt() + ".mlp.";
        if (rule.role() instanceof TensorRole.Router) {
            return Optional.of(new ExpertStack(block + "gate.weight", rule.shape(), 0));
        }
        if (rule.expert().isEmpty() || !(rule.role() instanceof TensorRole.Linear(Projection projection))) {
            return Optional.empty();
        }
        long count = config.experts().get().count();
        long rows = rule.shape().extent(0);
        long expert = rule.expert().getAsInt();
        boolean down = projection == Projection.EXPERT_DOWN;
        long each = down ? rows : 2 * rows;
        return Optional.of(new ExpertStack(
                block + (down ? "experts.down_proj" : "experts.gate_up_proj"),
                Shape.of(count, each, rule.shape().rowLength()),
                expert * each + (projection == Projection.EXPERT_UP ? rows : 0)));
    }
}
