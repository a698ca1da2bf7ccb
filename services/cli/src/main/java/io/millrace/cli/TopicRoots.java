package io.millrace.cli;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Candidate;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.Topics;
import io.millrace.store.GarbageCollection.Wanted;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;

/**
 * What the topics say must stay in the store. A live run keeps its finished steps and the result that it waits for, a
 * failed one its finished steps, since {@code retry} goes on from there; other ended runs keep the evidence, their
 * benchmark reports. Published models, checkpoints, inputs of jobs, and the texts of policies stay as long as a topic has
 * them.
 */
final class TopicRoots {
    private final Connection connection;

    TopicRoots(Connection connection) {
        this.connection = connection;
    }

    /** What is being gathered. */
    private record Gathered(Set<Digest> manifests, Set<JobKey> jobs) {
        void add(ArtifactRef artifact) {
            manifests.add(artifact.manifest());
        }
    }

    Wanted read() throws IOException, InterruptedException {
        Gathered wanted = new Gathered(new TreeSet<>(), new TreeSet<>());
        try (TopicReader reader = connection.reader()) {
            for (String topic : topics()) {
                for (Event event : reader.every(topic)) {
                    add(event, wanted);
                }
            }
            reader.everyLatest(connection.topics().runs()).forEach(event -> add(event, wanted));
        }
        return new Wanted(wanted.manifests(), wanted.jobs());
    }

    private List<String> topics() throws IOException, InterruptedException {
        Topics topics = connection.topics();
        List<String> all = new ArrayList<>(List.of(
                topics.checkpoints(), topics.policies(), topics.models(), topics.modelsLatest(), topics.rejections()));
        try (Admin admin = connection.admin()) {
            Set<String> names = admin.listTopics().names().get();
            for (StageName stage : StageName.values()) {
                for (Device device : topics.devices(stage, names)) {
                    all.add(topics.jobs(stage, device));
                }
            }
        } catch (ExecutionException e) {
            throw new IOException("Kafka at " + connection.address() + " does not list its topics: " + e.getCause(), e);
        }
        return all;
    }

    private static void add(Event event, Gathered wanted) {
        switch (event) {
            case CheckpointPublished checkpoint -> wanted.add(checkpoint.artifact());
            case Policy policy -> policy.targets().forEach(target -> add(target, wanted));
            case Job job -> job.inputs().values().forEach(wanted::add);
            case ModelPublished model -> {
                wanted.add(model.artifact());
                wanted.add(model.source().artifact());
            }
            case ModelRejected rejected ->
                rejected.tried().forEach(candidate -> addEvidence(candidate.steps(), wanted));
            case RunChanged run -> add(run, wanted);
            // What a live run does not know of, nobody waits for.
            case JobEvent _, JobCancelled _, OperatorRequest _, RunFailed _ -> {}
        }
    }

    private static void add(Target target, Gathered wanted) {
        wanted.add(target.evaluation().text());
        target.calibration().map(TextUse::text).ifPresent(wanted::add);
        for (Recipe recipe : target.ladder()) {
            for (Step step : recipe.steps()) {
                step.importance().ifPresent(wanted::add);
            }
        }
    }

    private static void add(RunChanged run, Gathered wanted) {
        addEvidence(run.finished(), wanted);
        for (Candidate candidate : run.tried()) {
            addEvidence(candidate.steps(), wanted);
        }
        if (!run.status().ended() || run.status() == RunStatus.FAILED) {
            run.job().ifPresent(wanted.jobs()::add);
            run.finished().forEach(step -> wanted.add(step.output()));
        }
    }

    private static void addEvidence(List<StepDone> steps, Gathered wanted) {
        steps.stream().filter(step -> step.stage() == StageName.BENCHMARK).forEach(step -> wanted.add(step.output()));
    }
}
