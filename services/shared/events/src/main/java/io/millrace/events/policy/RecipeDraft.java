package io.millrace.events.policy;

import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import java.util.List;
import java.util.Optional;

/** A rung of a ladder whose files are still named by path. */
public record RecipeDraft(List<StepDraft> steps) {
    public RecipeDraft {
        steps = List.copyOf(steps);
    }

    /** The first step that takes the calibration text. */
    Optional<Parameters> calibratedStep() {
        return steps.stream()
                .map(StepDraft::parameters)
                .filter(Parameters::calibrated)
                .findFirst();
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
