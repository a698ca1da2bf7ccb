package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelPublished;
import java.util.Map;
import java.util.TreeMap;

/**
 * What stands in {@code models.latest}.
 *
 * @param revision of the policy under which it was made, 0 if that policy was deleted since
 */
public record LatestModel(CheckpointPublished source, long revision) {
    private static final String SEPARATOR = "\n";

    /** Publishes it there too, unless what stands for its model, policy and target is newer. */
    static void offer(ModelPublished event, RunRequest request, Draft draft) {
        String key = key(event.model().value(), event.policy(), event.target());
        Table<LatestModel> latest = draft.tables().latest();
        if (latest.get(key).map(model -> model.givesWayTo(request)).orElse(true)) {
            latest.put(key, new LatestModel(event.source(), request.revision()));
            draft.emit(new Output.PublishLatest(event));
        }
    }

    /** A policy was deleted: one of the same name that is applied later counts its revisions anew. */
    static void deleted(String policy, Draft draft) {
        Table<LatestModel> latest = draft.tables().latest();
        Map<String, LatestModel> before = new TreeMap<>();
        latest.forEach("", (key, model) -> {
            if (key.split(SEPARATOR, -1)[1].equals(policy)) {
                before.put(key, model);
            }
        });
        before.forEach((key, model) -> latest.put(key, new LatestModel(model.source(), 0)));
    }

    private static String key(String model, String policy, String target) {
        return String.join(SEPARATOR, model, policy, target);
    }

    /** It only moves forward: to a newer checkpoint, or to the same one under a policy that is no older. */
    private boolean givesWayTo(RunRequest request) {
        CheckpointPublished other = request.checkpoint();
        return other.isNewerThan(source) || (!source.isNewerThan(other) && request.revision() >= revision);
    }
}
