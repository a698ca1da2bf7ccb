package io.millrace.events;

import java.util.List;
import java.util.Optional;

/**
 * A rung that was tried.
 *
 * @param rung counts from 0
 * @param recipe as {@link Recipe#summary} writes it
 * @param artifact what was made, if it got that far
 */
public record Candidate(
        int rung, String recipe, List<StepDone> steps, Optional<ArtifactRef> artifact, Outcome outcome) {
    public Candidate {
        steps = List.copyOf(steps);
    }

    /** How it ended. */
    public sealed interface Outcome {}

    /** The gate spoke. */
    public record Judged(Decision decision) implements Outcome {}

    /** A step failed for good. */
    public record StepFailed(Failure failure) implements Outcome {}
}
