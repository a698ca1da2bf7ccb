package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.conductor.run.Limits;
import io.millrace.conductor.run.Queue;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConductorTopologyTest {
    /** As many rungs as a policy's file may have. */
    private static final int LONGEST_LADDER = 64;

    @TempDir
    Path folder;

    @Test
    void aCheckpointBecomesAModelThatPassedItsGate() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")))));

            conductor.send(Given.checkpoint("v1"));
            List<String> steps = answerAll(conductor, 0.01);

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

            List<String> steps = answerAll(conductor, 0.2);

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

            assertThat(answerAll(conductor, 0.01)).containsExactly("gguf", "quality", "speed");

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
    void aQueueThatNobodyWorksIsShownInTheRunAndAsAMetric() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            Recipe recipe = new Recipe(List.of(new Step(Given.gguf("Q4_K_M"), Given.H100)));
            conductor.send(Given.policy(Given.target("gpu", recipe)));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();

            conductor.pass(Duration.ofMinutes(10));

            assertThat(conductor.runs().values())
                    .extracting(RunChanged::message)
                    .containsExactly("waiting: no worker for h100");
            assertThat(conductor.gauge("millrace.jobs.unattended", "device", "h100"))
                    .isEqualTo(1);
            conductor.send(Answers.started(job, conductor.now()));
            assertThat(conductor.gauge("millrace.jobs.unattended", "device", "h100"))
                    .isZero();
        }
    }

    @Test
    void howOftenAJobWasPutOffIsShownUntilItIsDone() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            Recipe recipe = new Recipe(List.of(new Step(Given.gguf("Q4_K_M"), Given.H100)));
            conductor.send(Given.policy(Given.target("gpu", recipe)));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();

            for (int pauses = 1; pauses <= 4; pauses++) {
                conductor.send(Answers.started(job, conductor.now()));
                conductor.send(Answers.failed(job, conductor.now(), Reason.DISK_FULL));
                conductor.pass(Duration.ofMinutes(6));
                job = conductor.job();
                conductor.send(Answers.started(job, conductor.now()));

                assertThat(conductor.gauge("millrace.job.pauses", "stage", "quantize"))
                        .isEqualTo(pauses);
            }
            conductor.send(Answers.failed(job, conductor.now(), Reason.MALFORMED_CHECKPOINT));

            assertThat(conductor.gauge("millrace.job.pauses", "stage", "quantize"))
                    .isZero();
        }
    }

    /** The time in these tests is the past, so the age is that of the wall clock since then. */
    @Test
    void theOldestJobOfAQueueIsShownUntilAWorkerBeginsIt() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            Recipe recipe = new Recipe(List.of(new Step(Given.gguf("Q4_K_M"), Given.H100)));
            conductor.send(Given.policy(Given.target("gpu", recipe)));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();
            double sinceThen = Duration.between(Given.START, Instant.now()).toMillis() / 1e3;
            assertThat(conductor.gauge("millrace.queue.oldest.seconds", "stage", "quantize", "device", "h100"))
                    .isCloseTo(sinceThen, within(600.0));

            conductor.send(Answers.started(job, conductor.now()));

            assertThat(conductor.gauge("millrace.queue.oldest.seconds", "stage", "quantize", "device", "h100"))
                    .isZero();
        }
    }

    @Test
    void openRunsAreCountedByStatusWhereverTheTaskStarts() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            assertThat(conductor.gauge("millrace.runs.open", "status", "requested"))
                    .isEqualTo(1);

            Job job = conductor.job();
            conductor.send(Answers.started(job, conductor.now()));

            assertThat(conductor.gauge("millrace.runs.open", "status", "requested"))
                    .isZero();
            assertThat(conductor.gauge("millrace.runs.open", "status", "working"))
                    .isEqualTo(1);

            conductor.send(Answers.failed(job, conductor.now(), Reason.NOT_FINITE));

            assertThat(conductor.gauge("millrace.runs.open", "status", "working"))
                    .isZero();
        }
    }

    @Test
    void thePublishedModelsNumbersAreShown() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            answerAll(conductor, 0.01);

            assertThat(conductor.gauge("millrace.model.perplexity.increase", "target", "phone"))
                    .isEqualTo(0.01);
            assertThat(conductor.gauge("millrace.model.bytes", "target", "phone"))
                    .isEqualTo(conductor.latest().getFirst().sizeBytes());
            assertThat(conductor.gauge("millrace.runs.oldest.seconds")).isZero();
        }
    }

    @Test
    void whatCannotBeReadGoesToTheDeadLettersWithItsOrigin() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            byte[] noise = "no event".getBytes(StandardCharsets.UTF_8);
            conductor.sendRaw(Driven.TOPICS.jobEvents(), "chat-small", noise);
            conductor.sendRaw(Driven.TOPICS.policies(), "chat-models", noise);

            List<TestRecord<byte[], byte[]>> letters = conductor.deadLetters();

            assertThat(letters)
                    .hasSize(2)
                    .allSatisfy(letter -> assertThat(letter.value()).isEqualTo(noise));
            assertThat(new String(
                            letters.getFirst()
                                    .headers()
                                    .lastHeader("millrace-origin-topic")
                                    .value(),
                            StandardCharsets.UTF_8))
                    .isEqualTo(Driven.TOPICS.jobEvents());
        }
    }

    /** Only that of a policy says something: it is deleted. */
    @Test
    void aTombstoneElsewhereIsRefusedAndDeletesNothing() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            Policy policy = Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))));
            conductor.send(policy);

            conductor.sendRaw(Driven.TOPICS.checkpoints(), policy.name(), null);

            assertThat(conductor.deadLetters()).hasSize(1);
            conductor.send(Given.checkpoint("v1"));
            assertThat(conductor.jobs()).hasSize(1);
        }
    }

    @Test
    void anEventUnderAnotherModelsKeyIsRefused() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));

            conductor.sendUnder("chat-other", Given.checkpoint("v1"));

            assertThat(conductor.deadLetters()).hasSize(1);
            assertThat(conductor.jobs()).isEmpty();
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();
            conductor.runs();

            conductor.sendUnder("chat-other", Answers.failed(job, conductor.now(), Reason.NOT_FINITE));
            conductor.sendUnder(
                    "chat-other",
                    new OperatorRequest(
                            Given.MODEL, job.run(), OperatorRequest.Kind.CANCEL, "ana", "", conductor.now()));

            assertThat(conductor.deadLetters()).hasSize(2);
            assertThat(conductor.runs()).isEmpty();
        }
    }

    /** The parameters' numbers overflow when the size of the original is worked out. */
    @Test
    @Tag("promise-1")
    @DisplayName("Promise 1: a record that the conductor cannot decide on fails its run, and the partition goes on")
    void aRecordThatTheConductorCannotDecideOnFailsItsRunAndThePartitionGoesOn() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.withParameters(Given.checkpoint("v1"), Long.MAX_VALUE));

            assertThat(answerAll(conductor, 0.01)).containsExactly("gguf", "quality", "speed");

            assertThat(conductor.deadLetters()).hasSize(1);
            assertThat(conductor.runs().values())
                    .extracting(run -> run.failure().orElseThrow().reason())
                    .containsExactly(Reason.CONDUCTOR_ERROR, Reason.CONDUCTOR_ERROR);
            conductor.send(Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(1)));
            assertThat(answerAll(conductor, 0.01)).containsExactly("gguf", "quality", "speed");
            assertThat(conductor.latest()).hasSize(2);
        }
    }

    @Test
    void theLongestLadderIsClimbedToItsEndThoughEachRungFailsWithALongMessage() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            Recipe[] rungs = IntStream.range(0, LONGEST_LADDER)
                    .mapToObj(rung -> Given.recipe(
                            new Parameters.Distill(60 + rung, 4, 128, 2, 0, 1e-3, false), Given.gguf("Q6_K")))
                    .toArray(Recipe[]::new);
            conductor.send(
                    Given.policy(Given.target("phone", Given.CPU, List.of(Given.quality(), Given.faster()), rungs)));
            conductor.send(Given.checkpoint("v1"));

            answerAll(
                    conductor,
                    job -> job.parameters() instanceof Parameters.Speed
                            ? unsupported(job, conductor.now())
                            : Answers.succeeded(job, conductor.now(), 0.01));

            assertThat(conductor.deadLetters()).isEmpty();
            RunChanged end = conductor.runs().values().iterator().next();
            assertThat(end.status()).isEqualTo(RunStatus.REJECTED);
            assertThat(end.tried()).hasSize(LONGEST_LADDER);
        }
    }

    @Test
    void aRunWhoseStateNoRecordHoldsFailsWithoutWhatItTried() throws IOException {
        int size;
        try (Driven conductor = new Driven(Files.createDirectory(folder.resolve("trial")), Given.START)) {
            size = new EventCodec().encode(refusedOnce(conductor, 1000)).length;
        }
        try (Driven conductor = new Driven(Files.createDirectory(folder.resolve("state")), Given.START)) {
            RunChanged full = refusedOnce(conductor, 1000 + EventRecords.MAX_EVENT_BYTES - size - 100);
            assertThat(full.tried()).hasSize(1);

            answerAll(conductor, 0.2);

            RunChanged end = conductor.runs().get(full.run());
            assertThat(end.status()).isEqualTo(RunStatus.FAILED);
            assertThat(end.failure().orElseThrow().reason()).isEqualTo(Reason.CONDUCTOR_ERROR);
            assertThat(end.tried()).isEmpty();
            assertThat(conductor.deadLetters()).isNotEmpty();

            conductor.send(new OperatorRequest(
                    Given.MODEL, full.run(), OperatorRequest.Kind.RETRY, "ana", "", conductor.now()));
            answerAll(conductor, 0.01);
            assertThat(conductor.latest()).hasSize(1);
        }
    }

    /** The state of a run whose first rung was refused by a measurement that names a runtime of this many characters. */
    private static RunChanged refusedOnce(Driven conductor, int runtime) {
        conductor.send(Given.policy(
                Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q6_K")))));
        conductor.send(Given.checkpoint("v1"));
        conductor.send(Answers.succeeded(conductor.job(), conductor.now(), 0.01));
        Job quality = conductor.job();
        conductor.send(new JobEvent.JobSucceeded(
                JobRef.of(quality),
                conductor.now(),
                Given.artifact("report"),
                1000,
                List.of(new Measurement(
                        Metric.PERPLEXITY_INCREASE.wireName(),
                        OptionalDouble.of(0.2),
                        OptionalDouble.empty(),
                        OptionalDouble.empty(),
                        "",
                        "x".repeat(runtime),
                        quality.device(),
                        64,
                        Optional.empty(),
                        "")),
                new Cost(Duration.ofSeconds(3), 10, 20),
                false));
        return conductor.runs().get(quality.run());
    }

    @Test
    void anOperatorsRequestThatIsReadOnceMoreIsCountedAsIgnored() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();
            conductor.send(Answers.failed(job, conductor.now(), Reason.NOT_FINITE));
            OperatorRequest request =
                    new OperatorRequest(Given.MODEL, job.run(), OperatorRequest.Kind.RETRY, "ana", "", conductor.now());
            conductor.send(request);
            Instant asked = conductor.now();
            conductor.pass(Duration.ofMinutes(6));
            conductor.send(Answers.failed(conductor.job(), conductor.now(), Reason.NOT_FINITE));

            conductor.sendAt(asked, request);

            assertThat(conductor.jobs()).isEmpty();
            assertThat(conductor.count("millrace.events.ignored", "kind", "RETRY"))
                    .isEqualTo(1);
        }
    }

    @Test
    void aQueueWhoseTopicHasAnotherShapeFailsTheRunThatNeedsItAndARetryGoesOn() {
        String topic = Driven.TOPICS.jobs(StageName.BENCHMARK, Device.CPU);
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.refuseQueue(topic, true);
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));

            assertThat(answerAll(conductor, 0.01)).containsExactly("gguf");

            RunChanged failed = conductor.runs().values().iterator().next();
            assertThat(failed.failure().orElseThrow().reason()).isEqualTo(Reason.CONDUCTOR_ERROR);
            assertThat(failed.failure().orElseThrow().message()).contains(topic, "3 partitions", "retry");
            assertThat(conductor.deadLetters()).isEmpty();

            conductor.refuseQueue(topic, false);
            conductor.send(new OperatorRequest(
                    Given.MODEL, failed.run(), OperatorRequest.Kind.RETRY, "ana", "", conductor.now()));
            assertThat(answerAll(conductor, 0.01)).containsExactly("quality", "speed");
            assertThat(conductor.latest()).hasSize(1);
        }
    }

    @Test
    void anEventOnAnotherTopicThanItsOwnIsRefused() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.sendOn(
                    Driven.TOPICS.checkpoints(),
                    "anything",
                    Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.sendOn(Driven.TOPICS.jobEvents(), Given.MODEL.value(), Given.checkpoint("v0"));
            conductor.send(Given.checkpoint("v1"));

            assertThat(conductor.jobs()).isEmpty();
            assertThat(conductor.deadLetters()).hasSize(2);
            assertThat(conductor.runs()).isEmpty();
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
            assertThat(answerAll(conductor, 0.01)).containsExactly("quality", "speed");
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

            assertThat(answerAll(conductor, 0.01)).containsExactly("gguf", "quality", "speed");

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

            assertThat(answerAll(conductor, 0.01)).containsExactly("gguf", "quality", "speed");
        }
    }

    /** Answers every job until there is none; returns the names of the steps. */
    private static List<String> answerAll(Driven conductor, double perplexityIncrease) {
        return answerAll(conductor, job -> Answers.succeeded(job, conductor.now(), perplexityIncrease));
    }

    private static List<String> answerAll(Driven conductor, Function<Job, JobEvent> answer) {
        List<String> steps = new ArrayList<>();
        for (List<Job> jobs = conductor.jobs(); !jobs.isEmpty(); jobs = conductor.jobs()) {
            for (Job job : jobs) {
                steps.add(job.parameters().name());
                conductor.send(Answers.started(job, conductor.now()));
                conductor.send(answer.apply(job));
            }
        }
        return steps;
    }

    private static JobEvent unsupported(Job job, Instant at) {
        return new JobEvent.JobFailed(
                JobRef.of(job), at, new Failure(Reason.UNSUPPORTED, "x".repeat(1_900)), Duration.ZERO);
    }
}
