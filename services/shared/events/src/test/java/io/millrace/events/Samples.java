package io.millrace.events;

import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** One of everything: with all that an event can hold, and with as little as it may. */
public final class Samples {
    public static final Instant AT = Instant.parse("2026-03-01T10:15:30.123Z");
    public static final ModelName MODEL = new ModelName("chat-7b");
    public static final Digest TEXT = Digest.of("text");
    public static final Device H100 = new Device("h100");

    public static final ModelNumbers NUMBERS =
            new ModelNumbers("LlamaForCausalLM", 1_000_000L, 256, 256, 1024, 2, 4, 2, 512, "BF16");

    public static final CheckpointPublished CHECKPOINT = new CheckpointPublished(
            MODEL,
            "step-1000",
            1000,
            new ArtifactRef(Digest.of("checkpoint"), URI.create("file:/data/chat-7b/step-1000")),
            NUMBERS,
            Optional.of(Digest.of("parent")),
            Map.of("owner", "Zoë", "run", "17"),
            AT);

    public static final Limit PERPLEXITY_LIMIT = new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05);
    public static final Limit TOP_TOKEN_LIMIT = new Limit(Metric.SAME_TOP_TOKEN, Limit.Comparison.AT_LEAST, 0.9);

    public static final Recipe RECIPE = new Recipe(List.of(
            new Step(new Parameters.Neurons(0.25, 256), Device.CPU),
            new Step(new Parameters.Distill(300, 8, 128, 2, 0, 5e-4, false), H100),
            new Step(new Parameters.Gguf("Q4_K_M"), Device.CPU)));

    public static final Target TARGET = new Target(
            "phone",
            new Device("jetson"),
            Device.CPU,
            new TextUse(ArtifactRef.inStore(TEXT), 64, 512, 0),
            Optional.of(new TextUse(ArtifactRef.inStore(Digest.of("calibration")), 128, 512, 7)),
            List.of(
                    RECIPE,
                    new Recipe(List.of(new Step(
                            new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), true),
                            Device.CPU))),
                    new Recipe(List.of(new Step(
                            new Parameters.Magnitude(OptionalDouble.empty(), OptionalDouble.of(1e-3), false),
                            Device.CPU))),
                    new Recipe(List.of(new Step(new Parameters.CompressedTensors("W4A16"), Device.CPU))),
                    new Recipe(List.of(new Step(
                            new Literature.Ternary(0.7, Optional.of(new Literature.Inputs(8, OptionalDouble.empty()))),
                            Device.CPU))),
                    new Recipe(List.of(new Step(
                            new Parameters.Gguf("Q2_K_S"),
                            Device.CPU,
                            Optional.of(ArtifactRef.inStore(Digest.of("importance"))))))),
            new Gate(List.of(PERPLEXITY_LIMIT, TOP_TOKEN_LIMIT)));

    public static final RunId RUN = RunId.of(CHECKPOINT, "chat-models", TARGET);

    public static final Job JOB = new Job(
            MODEL,
            RUN,
            2,
            Map.of(
                    Role.MODEL, CHECKPOINT.artifact(),
                    Role.ORIGINAL, CHECKPOINT.artifact(),
                    Role.EVALUATION_TEXT, ArtifactRef.inStore(TEXT)),
            new Parameters.Quality(64, 512),
            Device.CPU,
            -5);

    public static final JobRef REF = JobRef.of(JOB);

    public static final Measurement MEASURED = new Measurement(
            "perplexity-increase",
            OptionalDouble.of(0.031),
            OptionalDouble.of(0.004),
            OptionalDouble.of(5.62),
            "ratio",
            "djl-pytorch 2.7.1",
            Device.CPU,
            64,
            Optional.of(TEXT),
            "dequantized weights");
    public static final Measurement MISSING =
            Measurement.missing(Metric.GENERATION_RATE, Device.CPU, "no runtime executes compressed-tensors here");

    public static final StepDone STEP_DONE = new StepDone(
            StageName.QUANTIZE,
            "gguf",
            Device.CPU,
            REF.key(),
            1,
            ArtifactRef.inStore(Digest.of("output")),
            123_456,
            new Cost(Duration.ofMillis(1500), 10, 20),
            true,
            AT);

    public static final Decision.Accepted ACCEPTED =
            new Decision.Accepted(List.of(MEASURED, MISSING), List.of(new Verdict(PERPLEXITY_LIMIT, true, "keeps")));
    public static final Decision.Refused REFUSED =
            new Decision.Refused(List.of(MEASURED), List.of(new Verdict(TOP_TOKEN_LIMIT, false, "was not measured")));

    public static final List<Candidate> TRIED = List.of(
            new Candidate(
                    0,
                    RECIPE.summary(),
                    List.of(STEP_DONE),
                    Optional.of(ArtifactRef.inStore(Digest.of("candidate"))),
                    new Candidate.Judged(REFUSED)),
            new Candidate(
                    1,
                    "gguf Q6_K",
                    List.of(),
                    Optional.empty(),
                    new Candidate.StepFailed(new Failure(Reason.UNSUITABLE_SHAPE, "rows of 100"))));

    private Samples() {}

    /** Every kind of event, full. */
    public static List<Event> full() {
        return List.of(
                CHECKPOINT,
                new Policy("chat-models", "chat-*", Policy.OnNewer.SUPERSEDE, List.of(TARGET), 7, 3),
                JOB,
                new JobStarted(REF, AT, "host-1/42", 2),
                new JobProgressed(REF, AT, 10, 300, "step 10 of 300"),
                new JobSucceeded(
                        REF,
                        AT,
                        ArtifactRef.inStore(Digest.of("output")),
                        99,
                        List.of(MEASURED, MISSING),
                        new Cost(Duration.ofSeconds(3), 1, 2),
                        true),
                new JobFailed(REF, AT, new Failure(Reason.DISK_FULL, "no space"), Duration.ofSeconds(30)),
                new OperatorRequest(MODEL, RUN, OperatorRequest.Kind.RETRY, "ada", "disk was full", AT),
                new JobCancelled(Optional.of(REF.model()), REF.key(), AT, "superseded"),
                new ModelPublished(
                        RUN,
                        MODEL,
                        "step-1000",
                        "chat-models",
                        "phone",
                        Device.CPU,
                        ArtifactRef.inStore(Digest.of("published")),
                        "gguf",
                        "Q4_K_M",
                        CHECKPOINT,
                        RECIPE.summary(),
                        1,
                        ACCEPTED,
                        600_000,
                        2_000_000,
                        AT),
                new ModelRejected(RUN, MODEL, "step-1000", "chat-models", "phone", TRIED, AT),
                new RunFailed(
                        RUN,
                        MODEL,
                        "step-1000",
                        "chat-models",
                        "phone",
                        new Failure(Reason.MALFORMED_CHECKPOINT, "model.safetensors: ends too early"),
                        AT),
                new RunChanged(
                        RUN,
                        MODEL,
                        "step-1000",
                        "chat-models",
                        "phone",
                        AT.minusSeconds(60),
                        AT,
                        RunStatus.BACKING_OFF,
                        1,
                        4,
                        2,
                        3,
                        Optional.of(StageName.BENCHMARK),
                        Optional.of(H100),
                        Optional.of(REF.key()),
                        2,
                        true,
                        10,
                        64,
                        "waiting: no worker for h100",
                        Optional.of(new Failure(Reason.STORE_UNREACHABLE, "connection refused")),
                        List.of(STEP_DONE),
                        TRIED,
                        Optional.of(ArtifactRef.inStore(Digest.of("published")))));
    }

    /** Kinds of event that can be sparse, with nothing that may be left out. */
    public static List<Event> minimal() {
        Target bare = new Target(
                "t",
                Device.CPU,
                Device.CPU,
                new TextUse(ArtifactRef.inStore(TEXT), 1, 2, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU)))),
                new Gate(List.of(PERPLEXITY_LIMIT)));
        return List.of(
                new CheckpointPublished(
                        MODEL,
                        "1",
                        0,
                        ArtifactRef.inStore(Digest.of("c")),
                        NUMBERS,
                        Optional.empty(),
                        Map.of(),
                        Instant.EPOCH),
                new Policy("p", "*", Policy.OnNewer.KEEP, List.of(bare), 1, 1),
                new Job(MODEL, RUN, 1, Map.of(), new Parameters.Speed(1, 1, 1), Device.CPU, 0),
                new JobSucceeded(
                        REF, AT, ArtifactRef.inStore(TEXT), 0, List.of(), new Cost(Duration.ZERO, 0, 0), false),
                new ModelRejected(RUN, MODEL, "1", "p", "t", List.of(), AT),
                new RunChanged(
                        RUN,
                        MODEL,
                        "1",
                        "p",
                        "t",
                        AT,
                        AT,
                        RunStatus.REQUESTED,
                        0,
                        1,
                        0,
                        2,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        0,
                        false,
                        0,
                        0,
                        "",
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        Optional.empty()));
    }
}
