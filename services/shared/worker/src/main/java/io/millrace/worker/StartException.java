package io.millrace.worker;

import java.io.IOException;

/** What a service needs was not ready when it started: Kafka, its topics and groups, a port, a folder of this machine. */
public final class StartException extends IOException {
    public StartException(String message) {
        super(message);
    }

    public StartException(String message, Throwable cause) {
        super(message, cause);
    }
}
