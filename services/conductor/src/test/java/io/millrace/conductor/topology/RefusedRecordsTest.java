package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Cost;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that the conductor cannot take or write: the partition goes on, and whoever waits for them is told. */
class RefusedRecordsTest {
    /** As many rungs as a policy's file may have. */
    private static final int LONGEST_LADDER = 64;

    @TempDir
    Path folder;

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

            assertThat(conductor.answerAll(0.01)).containsExactly("gguf", "quality", "speed");

            assertThat(conductor.deadLetters()).hasSize(1);
            assertThat(conductor.runs().values())
                    .extracting(run -> run.failure().orElseThrow().reason())
                    .containsExactly(Reason.CONDUCTOR_ERROR, Reason.CONDUCTOR_ERROR);
            conductor.send(Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(1)));
            assertThat(conductor.answerAll(0.01)).containsExactly("gguf", "quality", "speed");
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

            conductor.answerAll(job -> job.parameters() instanceof Parameters.Speed
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

            conductor.answerAll(0.2);

            RunChanged end = conductor.runs().get(full.run());
            assertThat(end.status()).isEqualTo(RunStatus.FAILED);
            assertThat(end.failure().orElseThrow().reason()).isEqualTo(Reason.CONDUCTOR_ERROR);
            assertThat(end.tried()).isEmpty();
            assertThat(end.message()).contains("no record held what the run had tried");
            assertThat(conductor.deadLetters()).isNotEmpty();

            conductor.send(new OperatorRequest(
                    Given.MODEL, full.run(), OperatorRequest.Kind.RETRY, "ana", "", conductor.now()));
            conductor.answerAll(0.01);
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

    private static JobEvent unsupported(Job job, Instant at) {
        return new JobEvent.JobFailed(
                JobRef.of(job), at, new Failure(Reason.UNSUPPORTED, "x".repeat(1_900)), Duration.ZERO);
    }
}
