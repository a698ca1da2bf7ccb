package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Candidate;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Cost;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.Gate;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.Role;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TopicRootsTest {
    private static final Instant AT = Instant.EPOCH;
    private static final ModelName MODEL = new ModelName("small");
    private static final RunId RUN = new RunId(Digest.of("run"));
    private static final JobKey WAITING = new JobKey(Digest.of("waiting"));
    private static final Cost COST = new Cost(Duration.ZERO, 0, 0);

    private final TopicRoots roots = new TopicRoots();

    private static ArtifactRef artifact(String name) {
        return ArtifactRef.inStore(Digest.of(name));
    }

    private static StepDone step(StageName stage, String output) {
        return new StepDone(
                stage,
                "method",
                Device.CPU,
                new JobKey(Digest.of("job of " + output)),
                1,
                artifact(output),
                1,
                COST,
                false,
                AT);
    }

    private static Candidate refused(StepDone... steps) {
        Failure failure = new Failure(Reason.STAGE_ERROR, "no");
        return new Candidate(0, "recipe", List.of(steps), Optional.empty(), new Candidate.StepFailed(failure));
    }

    /** A run that pruned and measured, refused a rung that had distilled, and waits for a job unless it has ended. */
    private static RunChanged run(RunStatus status) {
        return new RunChanged(
                RUN,
                MODEL,
                "1",
                "policy",
                "target",
                AT,
                AT,
                status,
                1,
                2,
                2,
                4,
                Optional.of(StageName.QUANTIZE),
                Optional.of(Device.CPU),
                status.ended() ? Optional.empty() : Optional.of(WAITING),
                1,
                true,
                0,
                0,
                "",
                Optional.empty(),
                List.of(step(StageName.PRUNE, "pruned"), step(StageName.BENCHMARK, "report")),
                List.of(refused(
                        step(StageName.DISTILL, "shared"),
                        step(StageName.QUANTIZE, "refused"),
                        step(StageName.BENCHMARK, "old report"))),
                status == RunStatus.PUBLISHED ? Optional.of(artifact("published")) : Optional.empty());
    }

    private static List<Digest> manifests(String... names) {
        return Arrays.stream(names).map(Digest::of).toList();
    }

    @Test
    void aLiveOrFailedRunKeepsItsStepsOfEachRungAndAnEndedOneItsEvidence() {
        for (RunStatus status : RunStatus.values()) {
            TopicRoots one = new TopicRoots();

            one.add(run(status));

            boolean goesOn = !status.ended() || status == RunStatus.FAILED;
            assertThat(one.wanted().manifests())
                    .as(status.name())
                    .containsExactlyInAnyOrderElementsOf(
                            goesOn
                                    ? manifests("pruned", "report", "shared", "refused", "old report")
                                    : manifests(
                                            status == RunStatus.PUBLISHED
                                                    ? new String[] {"report", "old report", "published"}
                                                    : new String[] {"report", "old report"}));
            assertThat(one.wanted().jobs()).isEqualTo(status.ended() ? Set.of() : Set.of(WAITING));
        }
    }

    @Test
    void theQueueOfALiveRunIsKnownFromTheRun() {
        for (RunStatus status : RunStatus.values()) {
            assertThat(TopicRoots.queues(Topics.DEFAULT, List.of(run(status))))
                    .as(status.name())
                    .isEqualTo(status.ended() ? Set.of() : Set.of("millrace.jobs.quantize.cpu"));
        }
    }

    @Test
    void aSuccessThatALiveRunHasNotHeardOfKeepsItsOutput() {
        roots.add(run(RunStatus.WORKING));
        for (JobKey key : List.of(WAITING, new JobKey(Digest.of("nobody's")))) {
            JobRef job = new JobRef(key, MODEL, RUN, 1, StageName.QUANTIZE, Device.CPU);
            roots.add(new JobSucceeded(job, AT, artifact("output of " + key), 1, List.of(), COST, true));
        }

        assertThat(roots.wanted().manifests())
                .contains(Digest.of("output of " + WAITING))
                .doesNotContain(Digest.of("output of " + Digest.of("nobody's")));
    }

    @Test
    void aRejectionKeepsItsEvidenceOnly() {
        roots.add(new ModelRejected(
                RUN,
                MODEL,
                "1",
                "policy",
                "target",
                List.of(refused(step(StageName.QUANTIZE, "refused"), step(StageName.BENCHMARK, "report"))),
                AT));

        assertThat(roots.wanted().manifests()).containsExactly(Digest.of("report"));
    }

    private static CheckpointPublished checkpoint() {
        return new CheckpointPublished(
                MODEL,
                "1",
                1,
                artifact("checkpoint"),
                new ModelNumbers("LlamaForCausalLM", 1000, 256, 8, 16, 1, 1, 1, 64, "F32"),
                Optional.empty(),
                Map.of(),
                AT);
    }

    @Test
    void aCheckpointIsKept() {
        roots.add(checkpoint());

        assertThat(roots.wanted().manifests()).containsExactly(Digest.of("checkpoint"));
    }

    @Test
    void aPublishedModelIsKeptWithTheCheckpointThatItIsOf() {
        roots.add(new ModelPublished(
                RUN,
                MODEL,
                "1",
                "policy",
                "target",
                Device.CPU,
                artifact("model"),
                "gguf",
                "Q8_0",
                checkpoint(),
                "recipe",
                0,
                new Decision.Accepted(List.of(), List.of()),
                7,
                16,
                AT));

        assertThat(roots.wanted().manifests()).containsExactlyInAnyOrderElementsOf(manifests("model", "checkpoint"));
    }

    @Test
    void aPolicyKeepsItsTextsAndMatrices() {
        Step weighed = new Step(new Parameters.Gguf("Q4_K_M"), Device.CPU, Optional.of(artifact("matrix")));
        roots.add(new Policy(
                "policy",
                "*",
                Policy.OnNewer.KEEP,
                List.of(new Target(
                        "target",
                        Device.CPU,
                        Device.CPU,
                        new TextUse(artifact("text"), 64, 256, 0),
                        Optional.of(new TextUse(artifact("calibration"), 64, 256, 0)),
                        List.of(
                                new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU))),
                                new Recipe(List.of(weighed))),
                        new Gate(List.of(new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.9))))),
                1,
                0));

        assertThat(roots.wanted().manifests())
                .containsExactlyInAnyOrderElementsOf(manifests("text", "calibration", "matrix"));
    }

    @Test
    void aJobKeepsItsInputs() {
        roots.add(new Job(
                MODEL,
                RUN,
                1,
                Map.of(Role.MODEL, artifact("input"), Role.IMPORTANCE, artifact("matrix")),
                new Parameters.Gguf("Q4_K_M"),
                Device.CPU,
                0));

        assertThat(roots.wanted().manifests()).containsExactlyInAnyOrderElementsOf(manifests("input", "matrix"));
    }
}
