package io.millrace.events;

import java.time.Instant;

/** A person asks for something. */
public record OperatorRequest(ModelName model, RunId run, Kind kind, String who, String why, Instant at)
        implements Event {
    /** What is asked for. */
    public enum Kind {
        /** Go on where the run failed. */
        RETRY,
        /** Begin anew, and take no result that stands. */
        RECOMPUTE,
        CANCEL
    }
}
