package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the gauges and counters of a conductor show of its runs, jobs and models. */
class ShownNumbersTest {
    @TempDir
    Path folder;

    @Test
    void aQueueThatNobodyWorksIsShownInTheRunAndAsAMetric() {
        try (Driven conductor = new Driven(folder, Given.START)) {
            Recipe recipe = Given.recipe(Given.H100, Given.gguf("Q4_K_M"));
            conductor.send(Given.policy(Given.target("gpu", recipe)));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();
            assertThat(conductor.gauge("millrace.jobs.unattended", "device", "h100"))
                    .isZero();

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
            Recipe recipe = Given.recipe(Given.H100, Given.gguf("Q4_K_M"));
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
            Recipe recipe = Given.recipe(Given.H100, Given.gguf("Q4_K_M"));
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
            conductor.answerAll(0.01);

            assertThat(conductor.gauge("millrace.model.perplexity.increase", "target", "phone"))
                    .isEqualTo(0.01);
            assertThat(conductor.gauge("millrace.model.bytes", "target", "phone"))
                    .isEqualTo(conductor.latest().getFirst().sizeBytes());
            assertThat(conductor.gauge("millrace.runs.oldest.seconds")).isZero();
        }
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
}
