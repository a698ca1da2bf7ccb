package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Policy;
import io.millrace.events.RunId;
import io.millrace.events.Target;
import java.time.Instant;

/**
 * What a run was asked to reach. It never changes, whatever becomes of the policy.
 *
 * @param revision of the policy that asked
 */
public record RunRequest(
        RunId id,
        CheckpointPublished checkpoint,
        String policy,
        long revision,
        Policy.OnNewer onNewer,
        Target target,
        Instant at) {
    public static RunRequest of(CheckpointPublished checkpoint, Policy policy, Target target, Instant at) {
        RunId id = RunId.of(checkpoint, policy.name(), target);
        return new RunRequest(id, checkpoint, policy.name(), policy.revision(), policy.onNewer(), target, at);
    }
}
