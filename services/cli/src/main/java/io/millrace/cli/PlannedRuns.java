package io.millrace.cli;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.wire.Topics;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Foretells which runs a policy starts: the newest checkpoints of each matching model, without the runs there are. */
final class PlannedRuns {
    private PlannedRuns() {}

    static long count(Policy policy, TopicReader reader, Topics topics) {
        Map<RunId, RunStatus> runs = reader.latest(topics.runs(), RunChanged.class).stream()
                .collect(Collectors.toMap(RunChanged::run, RunChanged::status, (_, later) -> later));
        return count(policy, runs, newestFirst(reader, topics));
    }

    /** A backfill begins what was superseded anew. */
    static long count(
            Policy policy, Map<RunId, RunStatus> runs, Map<ModelName, List<CheckpointPublished>> newestFirst) {
        return newestFirst.entrySet().stream()
                .filter(model -> policy.matches(model.getKey()))
                .flatMap(model -> model.getValue().stream().limit(policy.backfill()))
                .flatMap(checkpoint ->
                        policy.targets().stream().map(target -> RunId.of(checkpoint, policy.name(), target)))
                .filter(run ->
                        !runs.containsKey(run) || (policy.backfill() > 1 && runs.get(run) == RunStatus.SUPERSEDED))
                .count();
    }

    /** All checkpoints of each model, the newest first. */
    static Map<ModelName, List<CheckpointPublished>> newestFirst(TopicReader reader, Topics topics) {
        return reader.events(topics.checkpoints(), CheckpointPublished.class).stream()
                .distinct()
                .sorted((a, b) -> a.equals(b) ? 0 : a.isNewerThan(b) ? -1 : 1)
                .collect(Collectors.groupingBy(CheckpointPublished::model));
    }
}
