package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Policy;
import io.millrace.events.RunId;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Runs that nobody knows any more since they ended long ago. A change of their policy does not begin them anew; a wider
 * backfill does.
 *
 * @param former the policy before the change
 * @param kept how long an ended run is remembered
 */
public record Forgotten(Optional<Policy> former, Duration kept, Instant now) {
    /** Whether the run of this target, which is not known, may be one. */
    public boolean mayBe(CheckpointPublished checkpoint, Policy policy, Target target) {
        return checkpoint.publishedAt().plus(kept).isBefore(now)
                && former.filter(before -> before.backfill() >= policy.backfill())
                        .filter(before -> isAskedFor(RunId.of(checkpoint, policy.name(), target), checkpoint, before))
                        .isPresent();
    }

    static boolean isAskedFor(RunId run, CheckpointPublished checkpoint, Policy policy) {
        return policy.matches(checkpoint.model())
                && policy.targets().stream()
                        .anyMatch(target ->
                                RunId.of(checkpoint, policy.name(), target).equals(run));
    }
}
