package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelPublished;
import io.millrace.events.Policy;
import io.millrace.events.RunId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What stands in {@code models.latest}.
 *
 * @param revision of the policy that asked for it last, 0 if that policy was deleted since
 * @param run that made it; empty in state that was written before this was kept
 */
public record LatestModel(CheckpointPublished source, long revision, Optional<RunId> run) {
    private static final String SEPARATOR = "\n";

    /** Publishes it there too, unless what stands for its model, policy and target is newer. */
    static void offer(ModelPublished event, RunRequest request, Draft draft) {
        if (put(event, request, draft)) {
            draft.emit(new Output.PublishLatest(event));
        }
    }

    /** A model that was published before; it may stand there still. */
    static void offerAgain(ModelPublished event, RunRequest request, Draft draft) {
        Optional<RunId> standing = draft.tables().latest().get(key(event)).flatMap(LatestModel::run);
        if (put(event, request, draft) && !standing.equals(Optional.of(event.run()))) {
            draft.emit(new Output.PublishLatest(event));
        }
    }

    private static boolean put(ModelPublished event, RunRequest request, Draft draft) {
        Table<LatestModel> latest = draft.tables().latest();
        String key = key(event);
        boolean stands = latest.get(key)
                .map(model -> model.givesWayTo(request.checkpoint(), revision(request, draft)))
                .orElse(true);
        if (stands) {
            latest.put(key, new LatestModel(event.source(), revision(request, draft), Optional.of(event.run())));
        }
        return stands;
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
        before.forEach((key, model) -> latest.put(key, new LatestModel(model.source(), 0, model.run())));
        List<RunState.Open> running = new ArrayList<>();
        draft.tables().open().forEach("", (_, run) -> {
            if (run.request().policy().equals(policy)) {
                running.add(run);
            }
        });
        Runs runs = new Runs(draft.tables());
        running.forEach(run -> runs.put(run.with(run.request().askedByNobody())));
    }

    private static String key(ModelPublished event) {
        return String.join(SEPARATOR, event.model().value(), event.policy(), event.target());
    }

    /** 0 for a run that a policy asked for before it was deleted: the revision says nothing beside those of today. */
    private static long revision(RunRequest request, Draft draft) {
        return draft.tables()
                .policies()
                .get(request.policy())
                .map(Policy::revision)
                .filter(standing -> standing >= request.revision())
                .map(_ -> request.revision())
                .orElse(0L);
    }

    /** It only moves forward: to a newer checkpoint, or to the same one under a policy that is no older. */
    private boolean givesWayTo(CheckpointPublished other, long asked) {
        return other.isNewerThan(source) || (!source.isNewerThan(other) && asked >= revision);
    }
}
