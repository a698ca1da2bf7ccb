package io.millrace.conductor.topology;

/** A queue is there and is not as it must be. Waiting mends nothing, and only what needs this queue cannot go on. */
public final class QueueRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public QueueRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}
