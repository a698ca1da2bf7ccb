package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.Role;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The steps of one rung: the recipe's, then quality on the policy's work device, then speed on the target's device.
 *
 * @param steps in order; the last two are the measurements
 */
public record Plan(List<Step> steps) {
    private static final int PROMPT_TOKENS = 128;
    private static final int GENERATED_TOKENS = 64;
    private static final int PAIRS = 5;

    public Plan {
        steps = List.copyOf(steps);
    }

    static Plan of(Target target, int rung, ModelNumbers numbers) {
        Recipe recipe = target.ladder().get(rung);
        List<Step> steps = new ArrayList<>(recipe.steps());
        TextUse evaluation = target.evaluation();
        steps.add(new Step(new Parameters.Quality(evaluation.sequences(), evaluation.length()), target.workOn()));
        steps.add(new Step(speed(numbers), target.device()));
        return new Plan(steps);
    }

    /** How many steps a rung has, measurements included. */
    static int stepsOf(Recipe recipe) {
        return recipe.steps().size() + 2;
    }

    Step step(int index) {
        return steps.get(index);
    }

    /** Prompt and continuation together fit the positions that the model has. */
    private static Parameters.Speed speed(ModelNumbers numbers) {
        int positions = Math.max(2, numbers.maxPositions());
        int prompt = Math.min(PROMPT_TOKENS, positions / 2);
        return new Parameters.Speed(prompt, Math.min(GENERATED_TOKENS, positions - prompt), PAIRS);
    }

    /** The job of a step, which works on {@code model}. */
    static Job job(RunRequest request, Step step, ArtifactRef model, int attempt) {
        CheckpointPublished checkpoint = request.checkpoint();
        Target target = request.target();
        Map<Role, ArtifactRef> inputs = new EnumMap<>(Role.class);
        inputs.put(Role.MODEL, model);
        long seed = 0;
        switch (step.parameters()) {
            case Parameters.Prune prune -> {
                if (prune.calibrated()) {
                    TextUse calibration = calibration(target);
                    inputs.put(Role.CALIBRATION_TEXT, calibration.text());
                    seed = calibration.seed();
                }
            }
            case Parameters.Quantize _ -> step.importance().ifPresent(matrix -> inputs.put(Role.IMPORTANCE, matrix));
            case Parameters.Distill _ -> {
                TextUse calibration = calibration(target);
                inputs.put(Role.ORIGINAL, checkpoint.artifact());
                inputs.put(Role.CALIBRATION_TEXT, calibration.text());
                seed = calibration.seed();
            }
            case Parameters.Quality _ -> {
                inputs.put(Role.ORIGINAL, checkpoint.artifact());
                inputs.put(Role.EVALUATION_TEXT, target.evaluation().text());
            }
            case Parameters.Speed _ -> inputs.put(Role.ORIGINAL, checkpoint.artifact());
        }
        Device device = step.device();
        return new Job(
                checkpoint.model(), request.id(), attempt, inputs, step.parameters(), device, request.seed(seed));
    }

    private static TextUse calibration(Target target) {
        return target.calibration()
                .orElseThrow(() -> new IllegalStateException(
                        "target '" + target.name() + "' has a step that calibrates, and no calibration text"));
    }
}
