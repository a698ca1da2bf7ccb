package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Candidate;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.Limit;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** What {@code millrace show} tells people; how it finds that is tried with a broker. */
class RunReportTest {
    private static final Limit LIMIT = new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05);
    private static final Measurement SPEED =
            Measurement.missing(Metric.GENERATION_RATE, KnownEvents.H100, "no runtime");
    private static final Candidate JUDGED = new Candidate(
            0,
            "prune, quantize",
            List.of(KnownEvents.step(StageName.PRUNE, "neurons", 2, 5 << 20, false)),
            Optional.of(KnownEvents.artifact("pruned")),
            new Candidate.Judged(new Decision.Refused(
                    List.of(increase(0.2)), List.of(new Verdict(LIMIT, false, "0.2 breaks <= 0.05")))));
    private static final Candidate FAILED = new Candidate(
            1,
            "distill",
            List.of(),
            Optional.empty(),
            new Candidate.StepFailed(new Failure(Reason.DIVERGED, "the loss is NaN")));

    private static Measurement increase(double value) {
        return new Measurement(
                Metric.PERPLEXITY_INCREASE.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.of(0.001),
                OptionalDouble.empty(),
                Metric.PERPLEXITY_INCREASE.unit(),
                "torch",
                Device.CPU,
                64,
                Optional.empty(),
                "dequantized");
    }

    private static String abbreviated(String text) {
        return Digest.of(text).abbreviated();
    }

    @Test
    void aRunAtWorkShowsWhatItTriedWhereItIsAndWhoDidAndAskedWhat() {
        RunChanged state = KnownEvents.state(
                KnownEvents.run("run"),
                KnownEvents.CHAT,
                RunStatus.WORKING,
                0,
                2,
                Optional.empty(),
                List.of(KnownEvents.step(StageName.PRUNE, "magnitude", 1, 6 << 20, true)),
                List.of(JUDGED, FAILED));
        RunReport report = new RunReport(
                state,
                Optional.empty(),
                Attempt.of(List.of(
                        new JobStarted(
                                KnownEvents.ref("current", state.run(), 1), KnownEvents.at(1), "host:1:quantizer", 1),
                        new JobFailed(
                                KnownEvents.ref("current", state.run(), 1),
                                KnownEvents.at(2),
                                new Failure(Reason.DISK_FULL, "no room"),
                                Duration.ZERO))),
                List.of(
                        new OperatorRequest(
                                state.model(),
                                state.run(),
                                OperatorRequest.Kind.RETRY,
                                "ana",
                                "there is room",
                                KnownEvents.at(3)),
                        new OperatorRequest(
                                state.model(),
                                state.run(),
                                OperatorRequest.Kind.CANCEL,
                                "ben",
                                "",
                                KnownEvents.at(4))));

        assertThat(report.text()).isEqualToNormalizingNewlines("""
                run        %s
                model      chat-7b 4000
                target     phone of policy mobile
                status     working: rows
                requested  2026-11-30T10:00:00Z, last change 2026-11-30T10:30:00Z

                rung 1 of 3  prune, quantize
                  prune neurons on cpu: 5.0 MiB, 90 s, attempt 2, artifact %s
                  perplexity-increase 0.2000 ± 0.001000 ratio, 64 samples, torch on cpu (dequantized)
                  broken  0.2 breaks <= 0.05
                  refused

                rung 2 of 3  distill
                  failed: diverged: the loss is NaN

                rung 3 of 3 \s
                  prune magnitude on cpu: 6.0 MiB, from the store, attempt 1, artifact %s
                  quantize at work on h100, attempt 2, 30 of 120

                attempts
                  2026-11-30T10:01:00Z  quantize on h100, job %s, attempt 1 by host:1:quantizer: failed after 60 s: disk-full: no room

                requests
                  2026-11-30T10:03:00Z  retry by ana: there is room
                  2026-11-30T10:04:00Z  cancel by ben
                """.formatted(
                        state.run(),
                        abbreviated("output of neurons"),
                        abbreviated("output of magnitude"),
                        abbreviated("current")));
    }

    @Test
    void aPublishedRunShowsItsModelAndTheEvidenceForIt() {
        Decision.Accepted decision = new Decision.Accepted(
                List.of(increase(0.01), SPEED), List.of(new Verdict(LIMIT, true, "0.01 keeps <= 0.05")));
        RunChanged state = KnownEvents.state(
                KnownEvents.run("run"),
                KnownEvents.CHAT,
                RunStatus.PUBLISHED,
                0,
                1,
                Optional.empty(),
                List.of(KnownEvents.step(StageName.QUANTIZE, "gguf", 3, 3 << 20, false)),
                List.of(JUDGED));
        RunReport report = new RunReport(
                state,
                Optional.of(KnownEvents.model(state.run(), "4000", KnownEvents.artifact("model"), decision, 9)),
                List.of(),
                List.of());

        assertThat(report.text()).endsWith("""

                rung 2 of 3  quantize Q4_K_M
                  quantize gguf on cpu: 3.0 MiB, 90 s, attempt 3, artifact %s
                  perplexity-increase 0.01000 ± 0.001000 ratio, 64 samples, torch on cpu (dequantized)
                  generation-rate – (no runtime)
                  kept    0.01 keeps <= 0.05
                  accepted
                published  gguf Q4_K_M, 3.0 MiB of 8.0 MiB
                artifact   %s
                """.formatted(
                        abbreviated("output of gguf"), Digest.of("model").hex()));
    }

    @Test
    void aFailedRunSaysWhyAndWhatItHadFinished() {
        RunChanged state = KnownEvents.state(
                KnownEvents.run("run"),
                KnownEvents.CHAT,
                RunStatus.FAILED,
                0,
                0,
                Optional.of(new Failure(Reason.CHECKPOINT_MISSING, "model.safetensors is not there")),
                List.of(KnownEvents.step(StageName.PRUNE, "neurons", 2, 5 << 20, false)),
                List.of());

        assertThat(new RunReport(state, Optional.empty(), List.of(), List.of()).text())
                .contains("failure    checkpoint-missing: model.safetensors is not there")
                .contains("rung 1 of 3", "prune neurons on cpu")
                .doesNotContain("quantize", "waits", "attempts", "requests");
    }

    @Test
    void aRunThatWaitsSaysForWhat() {
        assertThat(new RunReport(
                                KnownEvents.state(KnownEvents.run("run"), RunStatus.REQUESTED, 0),
                                Optional.empty(),
                                List.of(),
                                List.of())
                        .text())
                .endsWith("  quantize waits on h100, attempt 2\n");
    }
}
