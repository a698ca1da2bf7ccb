package io.millrace.worker;

import java.io.IOException;

/** Kafka, or what must be there of its topics and groups, was not ready in time. */
public final class StartException extends IOException {
    public StartException(String message) {
        super(message);
    }
}
