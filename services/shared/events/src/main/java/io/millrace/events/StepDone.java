package io.millrace.events;

import java.time.Instant;

/** A step of a run that has its result. */
public record StepDone(
        StageName stage,
        String name,
        Device device,
        JobKey job,
        int attempt,
        ArtifactRef output,
        long sizeBytes,
        Cost cost,
        boolean fromStore,
        Instant finishedAt) {}
