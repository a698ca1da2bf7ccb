package io.millrace.worker.commit;

import io.millrace.events.Reason;

/** Why a running job is stopped from outside. */
public enum Interruption {
    SHUTDOWN,
    CANCELLED,
    STALLED;

    /** How a job ends that was stopped for this. */
    Outcome outcome(String progress) {
        return switch (this) {
            case SHUTDOWN -> Outcome.Failed.of(Reason.SHUTDOWN, "the worker was told to stop at: " + progress);
            case CANCELLED -> new Outcome.Cancelled();
            case STALLED ->
                Outcome.Failed.of(Reason.STALLED, "the stage reported no progress within its limit after: " + progress);
        };
    }
}
