package io.millrace.cli;

import io.millrace.conductor.run.Forgotten;
import io.millrace.conductor.run.Limits;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.wire.Topics;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Foretells which runs a policy starts: the newest checkpoints of each matching model, without the runs there are. */
final class PlannedRuns {
    private PlannedRuns() {}

    /** @param now the conductor's time, by and large */
    static long count(Policy policy, TopicReader reader, Topics topics, Instant now) {
        Map<RunId, RunStatus> runs = reader.latest(topics.runs(), RunChanged.class).stream()
                .collect(Collectors.toMap(RunChanged::run, RunChanged::status, (_, later) -> later));
        Optional<Policy> former = reader.policies().inForce().stream()
                .filter(standing -> standing.name().equals(policy.name()))
                .findFirst();
        Forgotten forgotten = new Forgotten(former, Limits.DEFAULT.endedKept(), now);
        return count(policy, runs, newestFirst(reader, topics), forgotten);
    }

    /** A backfill begins what was superseded anew. */
    static long count(
            Policy policy,
            Map<RunId, RunStatus> runs,
            Map<ModelName, List<CheckpointPublished>> newestFirst,
            Forgotten forgotten) {
        return newestFirst.entrySet().stream()
                .filter(model -> policy.matches(model.getKey()))
                .flatMap(model -> model.getValue().stream().limit(policy.backfill()))
                .flatMap(checkpoint -> policy.targets().stream().filter(target -> {
                    RunStatus status = runs.get(RunId.of(checkpoint, policy.name(), target));
                    return status == null
                            ? !forgotten.mayBe(checkpoint, policy, target)
                            : policy.backfill() > 1 && status == RunStatus.SUPERSEDED;
                }))
                .count();
    }

    /** All checkpoints of each model, the newest first. */
    static Map<ModelName, List<CheckpointPublished>> newestFirst(TopicReader reader, Topics topics) {
        return newestFirst(reader.events(topics.checkpoints(), CheckpointPublished.class));
    }

    /** Of a version that was published again the first record stands, as it does for the conductor. */
    static Map<ModelName, List<CheckpointPublished>> newestFirst(List<CheckpointPublished> published) {
        Map<ModelName, Map<String, CheckpointPublished>> versions = new HashMap<>();
        published.forEach(checkpoint -> versions.computeIfAbsent(checkpoint.model(), _ -> new HashMap<>())
                .putIfAbsent(checkpoint.version(), checkpoint));
        return versions.values().stream()
                .flatMap(ofModel -> ofModel.values().stream())
                .sorted((a, b) -> a.isNewerThan(b) ? -1 : b.isNewerThan(a) ? 1 : 0)
                .collect(Collectors.groupingBy(CheckpointPublished::model));
    }
}
