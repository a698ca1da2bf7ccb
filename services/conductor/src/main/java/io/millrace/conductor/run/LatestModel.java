package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;

/**
 * What stands in {@code models.latest}.
 *
 * @param revision of the policy under which it was made
 */
public record LatestModel(CheckpointPublished source, long revision) {
    /** It only moves forward: to a newer checkpoint, or to the same one under a policy that is no older. */
    boolean givesWayTo(RunRequest request) {
        CheckpointPublished other = request.checkpoint();
        return other.isNewerThan(source) || (!source.isNewerThan(other) && request.revision() >= revision);
    }
}
