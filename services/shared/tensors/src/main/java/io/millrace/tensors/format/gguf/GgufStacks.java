package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.TensorRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which tensors of a checkpoint make one tensor of a GGUF file: the experts of a layer, [experts, out, in]. */
final class GgufStacks {
    private GgufStacks() {}

    /** Tensors with one GGUF name together, by expert; all others alone. */
    static List<List<TensorRule>> of(List<TensorRule> rules) {
        Map<String, List<TensorRule>> stacks = new LinkedHashMap<>();
        for (TensorRule rule : rules) {
            stacks.computeIfAbsent(rule.ggufName(), _ -> new ArrayList<>()).add(rule);
        }
        return List.copyOf(stacks.values());
    }

    static Shape shape(List<TensorRule> parts) {
        TensorRule first = parts.getFirst();
        return first.expert().isEmpty()
                ? first.shape()
                : Shape.of(parts.size(), first.shape().extent(0), first.shape().extent(1));
    }
}
