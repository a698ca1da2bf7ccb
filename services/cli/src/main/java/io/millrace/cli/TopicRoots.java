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
import io.millrace.events.JobEvent.JobSucceeded;
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
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.GarbageCollection.Wanted;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;

/**
 * What the topics say must stay in the store. A live run keeps the result that it waits for and its finished steps, those
 * of the rungs before too, which a later rung may begin with; so does a failed one, since {@code retry} goes on from
 * there; other ended runs keep the evidence, their benchmark reports. Published models, checkpoints, inputs of jobs, and
 * the texts of policies stay as long as a topic has them. Runs are read before everything else: a run that ends meanwhile
 * is still seen alive, and of one that had ended the event that says how, written in the same transaction, is seen
 * afterwards. No topic that matters is found by Kafka's list alone, which leaves out what this user may not see: the
 * queues of live runs are asked for by name, so a missing right is an error and not a root less.
 */
final class TopicRoots {
    private final Set<Digest> manifests = new TreeSet<>();
    private final Set<JobKey> jobs = new TreeSet<>();
    private final Map<JobKey, ArtifactRef> succeeded = new TreeMap<>();

    static Wanted read(Connection connection) throws IOException, InterruptedException {
        TopicRoots roots = new TopicRoots();
        try (TopicReader reader = connection.reader()) {
            List<Event> runs = reader.everyLatest(connection.topics().runs());
            runs.forEach(roots::add);
            for (String topic : others(connection, queues(connection.topics(), runs))) {
                reader.every(topic).forEach(roots::add);
            }
        }
        return roots.wanted();
    }

    /** A success that the conductor has not read yet holds, also if its result should be gone. */
    Wanted wanted() {
        jobs.stream()
                .flatMap(job -> Optional.ofNullable(succeeded.get(job)).stream())
                .forEach(this::keep);
        return new Wanted(manifests, jobs);
    }

    private void keep(ArtifactRef artifact) {
        manifests.add(artifact.manifest());
    }

    /** The topics with the jobs that these runs wait for. */
    static Set<String> queues(Topics topics, List<Event> runs) {
        Set<String> queues = new TreeSet<>();
        for (Event event : runs) {
            if (event instanceof RunChanged run && !run.status().ended()) {
                run.stage()
                        .flatMap(stage -> run.device().map(device -> topics.jobs(stage, device)))
                        .ifPresent(queues::add);
            }
        }
        return queues;
    }

    private static Set<String> others(Connection connection, Set<String> queues)
            throws IOException, InterruptedException {
        Topics topics = connection.topics();
        Set<String> all = new TreeSet<>(List.of(
                topics.models(),
                topics.modelsLatest(),
                topics.rejections(),
                topics.jobEvents(),
                topics.checkpoints(),
                topics.policies()));
        try (Admin admin = connection.admin()) {
            all.addAll(TopicAdmin.present(admin, queues));
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

    void add(Event event) {
        switch (event) {
            case CheckpointPublished checkpoint -> keep(checkpoint.artifact());
            case Policy policy -> policy.targets().forEach(this::addTarget);
            case Job job -> job.inputs().values().forEach(this::keep);
            case ModelPublished model -> {
                keep(model.artifact());
                keep(model.source().artifact());
            }
            case ModelRejected rejected -> rejected.tried().forEach(candidate -> addEvidence(candidate.steps()));
            case RunChanged run -> addRun(run);
            case JobSucceeded success -> succeeded.put(success.job().key(), success.output());
            // What a live run does not know of, nobody waits for.
            case JobEvent _, JobCancelled _, OperatorRequest _, RunFailed _ -> {}
        }
    }

    private void addTarget(Target target) {
        keep(target.evaluation().text());
        target.calibration().map(TextUse::text).ifPresent(this::keep);
        for (Recipe recipe : target.ladder()) {
            for (Step step : recipe.steps()) {
                step.importance().ifPresent(this::keep);
            }
        }
    }

    private void addRun(RunChanged run) {
        run.published().ifPresent(this::keep);
        addSteps(run, run.finished());
        for (Candidate candidate : run.tried()) {
            addSteps(run, candidate.steps());
        }
        if (goesOn(run)) {
            run.job().ifPresent(jobs::add);
        }
    }

    private void addSteps(RunChanged run, List<StepDone> steps) {
        if (goesOn(run)) {
            steps.forEach(step -> keep(step.output()));
        } else {
            addEvidence(steps);
        }
    }

    private static boolean goesOn(RunChanged run) {
        return !run.status().ended() || run.status() == RunStatus.FAILED;
    }

    private void addEvidence(List<StepDone> steps) {
        steps.stream().filter(step -> step.stage() == StageName.BENCHMARK).forEach(step -> keep(step.output()));
    }
}
