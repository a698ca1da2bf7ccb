package io.millrace.worker.commit;

import io.millrace.events.Failure;
import io.millrace.events.Reason;
import io.millrace.store.JobResult;
import java.time.Duration;

/** How a delivered job ended in this worker. */
public sealed interface Outcome {
    /** A short word for metrics and logs. */
    String label();

    /** True if nothing that the stage left on disk can be of use to another attempt. */
    default boolean workIsOver() {
        return switch (this) {
            case Succeeded succeeded -> true;
            case Cancelled cancelled -> true;
            case Failed failed ->
                switch (failed.failure().blame()) {
                    case CHECKPOINT, RECIPE, POLICY -> true;
                    // What is on a full disk is why it is full.
                    case SURROUNDINGS -> failed.failure().reason() == Reason.DISK_FULL;
                    case OURSELVES -> false;
                };
        };
    }

    /** @param fromStore the result was there already and nothing was computed */
    record Succeeded(JobResult standing, boolean fromStore) implements Outcome {
        @Override
        public String label() {
            return fromStore ? "from-store" : "succeeded";
        }
    }

    /** @param retryAfter the earliest pause before another attempt makes sense */
    record Failed(Failure failure, Duration retryAfter) implements Outcome {
        static Failed of(Reason reason, String message) {
            return new Failed(new Failure(reason, message), Duration.ZERO);
        }

        @Override
        public String label() {
            return failure.reason().code();
        }
    }

    /** Nobody waits for it any more; no event says so. */
    record Cancelled() implements Outcome {
        @Override
        public String label() {
            return "cancelled";
        }
    }
}
