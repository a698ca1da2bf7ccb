package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelPublished;

/**
 * What stands in {@code models.latest}.
 *
 * @param revision of the policy under which it was made
 */
public record LatestModel(CheckpointPublished source, long revision) {
    /** Publishes it there too, unless what stands for its model, policy and target is newer. */
    static void offer(ModelPublished event, RunRequest request, Draft draft) {
        String key = String.join("\n", event.model().value(), event.policy(), event.target());
        Table<LatestModel> latest = draft.tables().latest();
        if (latest.get(key).map(model -> model.givesWayTo(request)).orElse(true)) {
            latest.put(key, new LatestModel(event.source(), request.revision()));
            draft.emit(new Output.PublishLatest(event));
        }
    }

    /** It only moves forward: to a newer checkpoint, or to the same one under a policy that is no older. */
    private boolean givesWayTo(RunRequest request) {
        CheckpointPublished other = request.checkpoint();
        return other.isNewerThan(source) || (!source.isNewerThan(other) && request.revision() >= revision);
    }
}
