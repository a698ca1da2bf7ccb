package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Cost;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a conductor counts of its work, and what it takes back when another goes on with its models. */
class CountersTest {
    @TempDir
    Path folder;

    @Test
    void theTimeThatWorkersSpentIsCountedForWhatTheyComputedAlone() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            Job quantize = conductor.job();
            conductor.send(Answers.succeeded(quantize, conductor.now(), 0.01));
            Job quality = conductor.job();
            conductor.send(new JobEvent.JobSucceeded(
                    JobRef.of(quality),
                    conductor.now(),
                    Given.artifact("report"),
                    1000,
                    List.of(),
                    new Cost(Duration.ofSeconds(3), 10, 20),
                    true));
            conductor.send(Answers.succeeded(quantize, conductor.now(), 0.01));

            assertThat(conductor.count("millrace.compute.seconds", "stage", "quantize", "device", "cpu"))
                    .isEqualTo(3);
            assertThat(conductor.count("millrace.compute.seconds", "stage", "benchmark"))
                    .isZero();
            assertThat(conductor.count("millrace.jobs.issued", "stage", "quantize", "device", "cpu"))
                    .isEqualTo(1);
            assertThat(conductor.count("millrace.events.ignored", "kind", "JobSucceeded"))
                    .isEqualTo(1);
        }
    }

    @Test
    void decisionsAndEndsOfRunsAreCountedByWhatTheyAre() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(
                    Given.target("good", Given.recipe(Given.gguf("Q6_K"))),
                    Given.target("bad", Given.recipe(Given.gguf("Q2_K")))));
            conductor.send(Given.checkpoint("v1"));
            List<Job> quantize = conductor.jobs();
            conductor.pass(Duration.ofMinutes(1));
            quantize.forEach(job -> conductor.send(Answers.succeeded(job, conductor.now(), 0)));
            conductor.answerAll(job -> {
                boolean good = job.run().equals(quantize.getFirst().run());
                return Answers.succeeded(job, conductor.now(), good ? 0.01 : 0.2);
            });

            for (String decision : List.of("accepted", "rejected")) {
                assertThat(conductor.count("millrace.gate.decisions", "decision", decision))
                        .as(decision)
                        .isEqualTo(1);
            }
            assertThat(conductor.count("millrace.models.published", "model", "chat-small", "target", "good"))
                    .isEqualTo(1);
            assertThat(conductor.count("millrace.models.rejected", "model", "chat-small", "target", "bad"))
                    .isEqualTo(1);
            assertThat(conductor.count("millrace.runs.changed", "status", "published"))
                    .isEqualTo(1);
            assertThat(conductor.seconds("millrace.run.duration", "target", "good", "status", "published"))
                    .isEqualTo(60);
            assertThat(conductor.ended())
                    .extracting(RunChanged::status)
                    .containsExactlyInAnyOrder(RunStatus.PUBLISHED, RunStatus.REJECTED);
        }
    }

    @Test
    void deadLettersAreCountedAndHaveTheTimeOfTheirRecord() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            byte[] noise = "no event".getBytes(StandardCharsets.UTF_8);
            conductor.sendRaw(Driven.TOPICS.jobEvents(), "chat-small", noise);
            conductor.sendRaw(Driven.TOPICS.policies(), "chat-models", noise);

            assertThat(conductor.count("millrace.dead.letters")).isEqualTo(2);
            assertThat(conductor.deadLetters())
                    .allSatisfy(letter -> assertThat(letter.getRecordTime()).isEqualTo(Given.START));
        }
    }

    /** The time in these tests is the past, so the ages are those of the wall clock since then. */
    @Test
    void ofSeveralJobsTheOldestAndTheOneThatWasPutOffMostOftenAreShown() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("laptop", Given.recipe(Given.gguf("Q6_K")))));
            conductor.send(Given.checkpoint("v1"));
            Job first = conductor.jobs().getFirst();
            conductor.send(Answers.failed(first, conductor.now(), Reason.DISK_FULL));
            assertThat(conductor.gauge("millrace.job.pauses", "stage", "quantize"))
                    .isEqualTo(1);
            conductor.pass(Duration.ofDays(1));
            conductor.send(Given.checkpoint(Given.MODEL, "v2", conductor.now()));

            double sinceThen = Duration.between(Given.START, Instant.now()).toMillis() / 1e3;
            assertThat(conductor.gauge("millrace.queue.oldest.seconds", "stage", "quantize"))
                    .isCloseTo(sinceThen, within(600.0));
            assertThat(conductor.gauge("millrace.runs.oldest.seconds")).isCloseTo(sinceThen, within(600.0));
        }
    }

    @Test
    void ofTheOriginalTheModelShowsItsPerplexityAndItsBytesAndNothingThatWasNotMeasuredThisTime() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            conductor.answerAll(job -> withPerplexity(job, conductor.now(), Metric.KL_DIVERGENCE));

            assertThat(conductor.gauge("millrace.model.perplexity", "target", "phone"))
                    .isEqualTo(9);
            assertThat(conductor.gauge("millrace.model.original.perplexity", "target", "phone"))
                    .isEqualTo(8);
            assertThat(conductor.gauge("millrace.model.original.bytes", "target", "phone"))
                    .isEqualTo(4_000_000);
            assertThat(conductor.gauge("millrace.model.kl.divergence", "target", "phone"))
                    .isEqualTo(2);

            conductor.send(Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(1)));
            conductor.answerAll(job -> withPerplexity(job, conductor.now(), Metric.SAME_TOP_TOKEN));

            assertThat(conductor.gauge("millrace.model.kl.divergence", "target", "phone"))
                    .isNaN();
            assertThat(conductor.gauge("millrace.model.same.top.token", "target", "phone"))
                    .isEqualTo(2);
        }
    }

    @Test
    void aTaskThatEndsTakesBackWhatItShows() {
        OneTask task = new OneTask(folder, Given.START);
        try (task) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            for (List<Job> jobs = task.jobs(); !jobs.isEmpty(); jobs = task.jobs()) {
                task.send(Answers.succeeded(jobs.getFirst(), task.now(), 0.01));
            }
            task.send(Given.checkpoint(Given.MODEL, "v2", task.now()));
            for (String shown : List.of("queue.oldest.seconds", "runs.oldest.seconds", "model.perplexity.increase")) {
                assertThat(task.gauge("millrace." + shown)).as(shown).isPositive();
            }
        }

        assertThat(task.gauge("millrace.queue.oldest.seconds")).isZero();
        assertThat(task.gauge("millrace.runs.oldest.seconds")).isZero();
        assertThat(task.gauge("millrace.model.perplexity.increase")).isNaN();
    }

    /** Perplexity 9 where the original has 8, and 2 of another metric. */
    private static JobEvent withPerplexity(Job job, Instant at, Metric other) {
        JobEvent answer = Answers.succeeded(job, at, 0.01);
        if (!(job.parameters() instanceof Parameters.Quality) || !(answer instanceof JobEvent.JobSucceeded success)) {
            return answer;
        }
        List<Measurement> measurements = new ArrayList<>(success.measurements());
        measurements.add(measured(Metric.PERPLEXITY, job, 9, OptionalDouble.of(8)));
        measurements.add(measured(other, job, 2, OptionalDouble.empty()));
        return new JobEvent.JobSucceeded(
                success.job(),
                success.at(),
                success.output(),
                success.sizeBytes(),
                measurements,
                success.cost(),
                success.fromStore());
    }

    private static Measurement measured(Metric metric, Job job, double value, OptionalDouble baseline) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                baseline,
                metric.unit(),
                "djl",
                job.device(),
                64,
                Optional.empty(),
                "");
    }
}
