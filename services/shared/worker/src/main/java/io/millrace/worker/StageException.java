package io.millrace.worker;

import io.millrace.events.Failure;
import io.millrace.events.Reason;

/** A job that cannot succeed, with the reason that the conductor acts on. */
public final class StageException extends Exception {
    private final Failure failure;

    public StageException(Reason reason, String message) {
        super(message);
        this.failure = new Failure(reason, message);
    }

    public StageException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.failure = new Failure(reason, message);
    }

    public Failure failure() {
        return failure;
    }
}
