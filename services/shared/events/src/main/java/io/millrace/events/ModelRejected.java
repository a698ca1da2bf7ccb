package io.millrace.events;

import java.time.Instant;
import java.util.List;

/** Every rung was tried and none passed. */
public record ModelRejected(
        RunId run, ModelName model, String version, String policy, String target, List<Candidate> tried, Instant at)
        implements Event {
    public ModelRejected {
        tried = List.copyOf(tried);
    }
}
