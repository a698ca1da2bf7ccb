package io.millrace.client;

import io.millrace.events.Reason;
import java.io.IOException;

/** A folder is no checkpoint that Millrace could compress; nothing was published. */
public final class RefusedCheckpointException extends IOException {
    private final Reason reason;

    RefusedCheckpointException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    RefusedCheckpointException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
