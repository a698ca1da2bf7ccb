package io.millrace.cli;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.JobKey;
import io.millrace.events.ModelPublished;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.Step;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the topics say that the store must have, who needs it, and how it comes back. */
final class StoreNeeds {
    /**
     * @param by who misses the artifact, such as "checkpoint chat 7"
     * @param remedy what brings it back
     */
    record Need(String by, String remedy) {}

    private final Map<JobKey, Set<RunId>> runs = new TreeMap<>();
    private final Map<Digest, ArtifactRef> artifacts = new TreeMap<>();
    private final Map<Digest, Set<Need>> needs = new LinkedHashMap<>();

    static StoreNeeds read(Connection connection) {
        StoreNeeds needs = new StoreNeeds();
        try (TopicReader reader = connection.reader()) {
            reader.latest(connection.topics().runs(), RunChanged.class).forEach(needs::add);
            reader.events(connection.topics().models(), ModelPublished.class).forEach(needs::add);
            reader.latest(connection.topics().modelsLatest(), ModelPublished.class)
                    .forEach(needs::add);
            reader.latest(connection.topics().policies(), Policy.class).forEach(needs::add);
            reader.events(connection.topics().checkpoints(), CheckpointPublished.class)
                    .forEach(needs::add);
        }
        return needs;
    }

    void add(Event event) {
        switch (event) {
            case RunChanged run -> addRun(run);
            case Policy policy -> policy.targets().forEach(target -> addTexts(policy, target));
            case ModelPublished model ->
                need(
                        model.artifact(),
                        "published model " + model.model() + " " + model.version() + " for " + model.target(),
                        recompute(model.run()));
            case CheckpointPublished checkpoint ->
                need(
                        checkpoint.artifact(),
                        "checkpoint " + checkpoint.model() + " " + checkpoint.version(),
                        "'millrace publish" + (checkpoint.artifact().isInStore() ? " --copy" : "")
                                + "' of the same folder and version");
            default -> {}
        }
    }

    private void addRun(RunChanged run) {
        Stream.concat(run.finished().stream(), run.tried().stream().flatMap(candidate -> candidate.steps().stream()))
                .map(StepDone::job)
                .forEach(job ->
                        runs.computeIfAbsent(job, _ -> new LinkedHashSet<>()).add(run.run()));
    }

    private void addTexts(Policy policy, Target target) {
        Stream<ArtifactRef> texts =
                Stream.concat(Stream.of(target.evaluation().text()), target.calibration().map(TextUse::text).stream());
        Stream<ArtifactRef> matrices = target.ladder().stream()
                .map(Recipe::steps)
                .flatMap(List::stream)
                .map(Step::importance)
                .flatMap(Optional::stream);
        Stream.concat(texts, matrices)
                .forEach(
                        artifact -> need(artifact, "policy " + policy.name(), "'millrace policy apply' with its file"));
    }

    private void need(ArtifactRef artifact, String by, String remedy) {
        // What is published in its place and as a copy is looked for in the store.
        artifacts.merge(artifact.manifest(), artifact, (one, other) -> one.isInStore() ? one : other);
        needs.computeIfAbsent(artifact.manifest(), _ -> new LinkedHashSet<>()).add(new Need(by, remedy));
    }

    static String recompute(RunId run) {
        return "'millrace retry " + run.digest().abbreviated() + " --recompute'";
    }

    Collection<ArtifactRef> artifacts() {
        return artifacts.values();
    }

    Set<Need> of(Digest manifest) {
        return needs.getOrDefault(manifest, Set.of());
    }

    Set<RunId> runs(JobKey job) {
        return runs.getOrDefault(job, Set.of());
    }
}
