package io.millrace.events;

import java.time.Instant;

/** A run ended without a decision. */
public record RunFailed(
        RunId run, ModelName model, String version, String policy, String target, Failure failure, Instant at)
        implements Event {}
