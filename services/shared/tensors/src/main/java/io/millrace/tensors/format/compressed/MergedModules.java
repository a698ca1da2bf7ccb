package io.millrace.tensors.format.compressed;

import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Linear modules of a layer whose matrices consumers stack into one, so that they need equal global scales. */
final class MergedModules {
    private static final List<Set<Projection>> SETS = List.of(
            EnumSet.of(Projection.QUERY, Projection.KEY, Projection.VALUE),
            EnumSet.of(Projection.GATE, Projection.UP),
            EnumSet.of(Projection.EXPERT_GATE, Projection.EXPERT_UP));

    private MergedModules() {}

    /** The modules that are merged with one, itself included, in the order of the model. */
    static List<TensorRule> of(TensorRule rule, List<TensorRule> model) {
        return model.stream().filter(other -> merged(rule, other)).toList();
    }

    private static boolean merged(TensorRule one, TensorRule other) {
        if (!(one.role() instanceof TensorRole.Linear(Projection first))
                || !(other.role() instanceof TensorRole.Linear(Projection second))
                || !one.layer().equals(other.layer())
                || !one.expert().equals(other.expert())) {
            return false;
        }
        return first == second || SETS.stream().anyMatch(set -> set.contains(first) && set.contains(second));
    }
}
