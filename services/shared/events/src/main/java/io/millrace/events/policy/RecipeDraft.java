package io.millrace.events.policy;

import io.millrace.events.Recipe;
import java.util.List;

/** A rung of a ladder whose files are still named by path. */
public record RecipeDraft(List<StepDraft> steps) {
    public RecipeDraft {
        steps = List.copyOf(steps);
    }

    /** As people write it. */
    public String summary() {
        return resolve(PolicyInputs.UNSTORED).summary();
    }

    /**
     * The recipe, once its files have digests.
     *
     * @param inputs puts a file into the store
     */
    public Recipe resolve(PolicyInputs inputs) {
        return new Recipe(steps.stream().map(step -> step.resolve(inputs)).toList());
    }
}
