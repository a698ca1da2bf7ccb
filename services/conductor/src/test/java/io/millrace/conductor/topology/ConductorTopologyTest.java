package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.conductor.run.Limits;
import io.millrace.conductor.run.Queue;
import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From checkpoints, policies and what workers say to jobs, runs and models. */
class ConductorTopologyTest {
    @TempDir
    Path folder;

    @Test
    void aCheckpointBecomesAModelThatPassedItsGate() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")))));

            conductor.send(Given.checkpoint("v1"));
            List<String> steps = conductor.answerAll(0.01);

            assertThat(steps).containsExactly("neurons", "gguf", "quality", "speed");
            ModelPublished model =
                    (ModelPublished) conductor.on(Driven.TOPICS.models()).getFirst();
            assertThat(model.format()).isEqualTo("gguf");
            assertThat(model.type()).isEqualTo("Q4_K_M");
            assertThat(model.decision().evidence()).hasSize(2);
            assertThat(conductor.latest()).containsExactly(model);
            assertThat(conductor.runs().values()).extracting(RunChanged::status).containsExactly(RunStatus.PUBLISHED);
            assertThat(conductor.deadLetters()).isEmpty();
        }
    }

    @Test
    void aCandidateThatBreaksTheGateIsFollowedByTheNextRung() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q6_K")))));
            conductor.send(Given.checkpoint("v1"));

            List<String> steps = conductor.answerAll(0.2);

            assertThat(steps).containsExactly("gguf", "quality", "gguf", "quality");
            ModelRejected rejected =
                    (ModelRejected) conductor.on(Driven.TOPICS.rejections()).getFirst();
            assertThat(rejected.tried()).hasSize(2);
            assertThat(conductor.on(Driven.TOPICS.models())).isEmpty();
            assertThat(conductor.latest()).isEmpty();
        }
    }

    @Test
    void twoTargetsWaitForOneJob() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));

            assertThat(conductor.answerAll(0.01)).containsExactly("gguf", "quality", "speed");

            assertThat(conductor.latest())
                    .extracting(ModelPublished::target)
                    .containsExactlyInAnyOrder("phone", "laptop");
        }
    }

    @Test
    void duplicatesAndLateFailuresChangeNothing() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            conductor.send(Given.checkpoint("v1"));
            Job first = conductor.job();
            conductor.send(Answers.failed(first, conductor.now(), Reason.STAGE_ERROR));
            conductor.pass(Duration.ofSeconds(2));
            Job second = conductor.job();
            conductor.runs();

            conductor.send(Answers.failed(first, conductor.now(), Reason.NOT_FINITE));

            assertThat(second.attempt()).isEqualTo(2);
            assertThat(conductor.runs()).isEmpty();
            assertThat(conductor.jobs()).isEmpty();
            assertThat(conductor.count("millrace.jobs.backed.off", "reason", "stage-error"))
                    .isEqualTo(1);
        }
    }

    @Test
    void anAttemptThatWasSilentAndSpeaksAgainIsNotCountedAgainstItsJob() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();
            conductor.send(Answers.started(job, conductor.now()));

            for (int silence = 0; silence < 5; silence++) {
                conductor.pass(Limits.DEFAULT.signOfLife());
                conductor.pass(Duration.ofSeconds(30));
                assertThat(conductor.jobs()).extracting(Job::attempt).containsExactly(2);
                conductor.send(Answers.progressed(job, conductor.now(), silence + 1));
            }

            conductor.send(Answers.succeeded(job, conductor.now(), 0.01));
            assertThat(conductor.answerAll(0.01)).containsExactly("quality", "speed");
        }
    }

    @Test
    void aJobWhoseQueueWasDeletedIsIssuedAgainOnceAndOnlyIfNobodyHasBegunIt() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("laptop", Given.recipe(Given.gguf("Q6_K")))));
            conductor.send(Given.checkpoint("v1"));
            List<Job> jobs = conductor.jobs();
            conductor.send(Answers.started(jobs.getFirst(), conductor.now()));
            assertThat(conductor.watched()).containsExactly(Queue.of(jobs.getLast()));

            conductor.loseQueue(jobs.getLast());

            assertThat(conductor.jobs()).containsExactly(jobs.getLast());
            conductor.pass(Duration.ofSeconds(1));
            assertThat(conductor.jobs()).isEmpty();
        }
    }

    @Test
    void aQueueWhoseTopicHasAnotherShapeFailsTheRunThatNeedsItAndARetryGoesOn() {
        String topic = Driven.TOPICS.jobs(StageName.BENCHMARK, Device.CPU);
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.refuseQueue(topic, true);
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));

            assertThat(conductor.answerAll(0.01)).containsExactly("gguf");

            RunChanged failed = conductor.runs().values().iterator().next();
            assertThat(failed.failure().orElseThrow().reason()).isEqualTo(Reason.CONDUCTOR_ERROR);
            assertThat(failed.failure().orElseThrow().message()).contains(topic, "3 partitions", "retry");
            assertThat(conductor.deadLetters()).isEmpty();

            conductor.refuseQueue(topic, false);
            conductor.send(new OperatorRequest(
                    Given.MODEL, failed.run(), OperatorRequest.Kind.RETRY, "ana", "", conductor.now()));
            assertThat(conductor.answerAll(0.01)).containsExactly("quality", "speed");
            assertThat(conductor.latest()).hasSize(1);
        }
    }

    @Test
    void aQueueOfAnotherShapeKeepsFromItsWorkWhatNeedsItAndNothingElse() {
        String topic = Driven.TOPICS.jobs(StageName.QUANTIZE, new Device("h100"));
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.refuseQueue(topic, true);
            conductor.send(Given.checkpoint("v1"));
            conductor.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("server", Given.recipe(new Device("h100"), Given.gguf("Q8_0")))));

            assertThat(conductor.answerAll(0.01)).containsExactly("gguf", "quality", "speed");

            assertThat(conductor.latest()).hasSize(1);
            assertThat(conductor.deadLetters()).isEmpty();
            conductor.refuseQueue(topic, false);
            conductor.send(Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(1)));
            assertThat(conductor.jobs()).hasSize(2);
        }
    }

    @Test
    void aDeletedPolicyPlansNothing() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.deletePolicy("chat-models");

            conductor.send(Given.checkpoint("v1"));

            assertThat(conductor.jobs()).isEmpty();
            assertThat(conductor.deadLetters()).isEmpty();
        }
    }

    /** As after a start, when the policies' own topic is read later. */
    @Test
    void aCheckpointThatCameAfterAPolicyWasDeletedLeavesNoRun() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.pass(Duration.ofHours(1));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();

            conductor.deletePolicyAt(conductor.now().minusMillis(1), "chat-models");

            assertThat(conductor.runs().get(job.run()).status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(conductor.gauge("millrace.runs.open", "status", "requested"))
                    .isZero();
            conductor.send(Answers.succeeded(job, conductor.now(), 0.01));
            assertThat(conductor.jobs()).isEmpty();
        }
    }

    @Test
    void aCheckpointThatCameBeforeAPolicyWasDeletedGoesOn() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));

            conductor.deletePolicyAt(conductor.now().plusMillis(1), "chat-models");

            assertThat(conductor.answerAll(0.01)).containsExactly("gguf", "quality", "speed");
        }
    }
}
