package io.millrace.events;

import java.util.List;
import java.util.stream.Collectors;

/** The steps that make one candidate, in order. A rung of a target's ladder. */
public record Recipe(List<Step> steps) {
    public Recipe {
        steps = List.copyOf(steps);
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("a recipe has at least one step");
        }
    }

    /** As people write it: {@code prune neurons + distill logits + gguf Q4_K_M}. */
    public String summary() {
        return steps.stream().map(Step::summary).collect(Collectors.joining(" + "));
    }
}
