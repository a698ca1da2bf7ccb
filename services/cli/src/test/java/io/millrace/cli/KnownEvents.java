package io.millrace.cli;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Candidate;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Cost;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.StepDone;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Events in which no two numbers and no two names are the same, so that each is seen where it does not belong. */
final class KnownEvents {
    static final Instant START = Instant.parse("2026-11-30T10:00:00Z");
    static final ModelName CHAT = new ModelName("chat-7b");
    static final Device H100 = new Device("h100");

    private KnownEvents() {}

    static Instant at(int minute) {
        return START.plusSeconds(60L * minute);
    }

    static ArtifactRef artifact(String name) {
        return ArtifactRef.inStore(Digest.of(name));
    }

    static RunId run(String name) {
        return new RunId(Digest.of(name));
    }

    static JobKey job(String name) {
        return new JobKey(Digest.of(name));
    }

    static JobRef ref(String job, RunId run, int attempt) {
        return new JobRef(job(job), CHAT, run, attempt, StageName.QUANTIZE, H100);
    }

    /** A run of version "4000" for the target "phone" of the policy "mobile" that was requested in this minute. */
    static RunChanged state(RunId run, RunStatus status, int minute) {
        return state(run, CHAT, status, minute, 0, Optional.empty(), List.of(), List.of());
    }

    /** On the rung of this number, counted from 0, of three; it waits for the job "current" unless it has ended. */
    static RunChanged state(
            RunId run,
            ModelName model,
            RunStatus status,
            int minute,
            int rung,
            Optional<Failure> failure,
            List<StepDone> finished,
            List<Candidate> tried) {
        boolean open = !status.ended();
        boolean working = status == RunStatus.WORKING;
        return new RunChanged(
                run,
                model,
                "4000",
                "mobile",
                "phone",
                at(minute),
                at(minute + 30),
                status,
                rung,
                3,
                finished.size(),
                4,
                Optional.of(StageName.QUANTIZE),
                Optional.of(H100),
                open ? Optional.of(job("current")) : Optional.empty(),
                2,
                working,
                working ? 30 : 0,
                working ? 120 : 0,
                working ? "rows" : failure.map(Failure::message).orElse(""),
                failure,
                finished,
                tried,
                status == RunStatus.PUBLISHED ? Optional.of(artifact("model")) : Optional.empty());
    }

    static StepDone step(StageName stage, String name, int attempt, long sizeBytes, boolean fromStore) {
        return new StepDone(
                stage,
                name,
                Device.CPU,
                job("job of " + name),
                attempt,
                artifact("output of " + name),
                sizeBytes,
                new Cost(Duration.ofSeconds(90), 1, 1),
                fromStore,
                at(5));
    }

    static CheckpointPublished checkpoint(ModelName model, String version, int hiddenSize, int minute) {
        return new CheckpointPublished(
                model,
                version,
                1,
                artifact("checkpoint " + version),
                new ModelNumbers("LlamaForCausalLM", 1000, 256, hiddenSize, 128, 1, 1, 1, 512, "F32"),
                Optional.empty(),
                Map.of(),
                at(minute));
    }

    /** A model of 3 MiB of a checkpoint of 8 MiB, published in this minute. */
    static ModelPublished model(
            RunId run, String version, ArtifactRef artifact, Decision.Accepted decision, int minute) {
        return new ModelPublished(
                run,
                CHAT,
                version,
                "mobile",
                "phone",
                H100,
                artifact,
                "gguf",
                "Q4_K_M",
                checkpoint(CHAT, version, 128, minute),
                "quantize Q4_K_M",
                1,
                decision,
                3 << 20,
                8 << 20,
                at(minute));
    }
}
