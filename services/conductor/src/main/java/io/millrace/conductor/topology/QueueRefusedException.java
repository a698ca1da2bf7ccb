package io.millrace.conductor.topology;

/** A queue is not as it must be, or must not be created. Waiting mends nothing, and only what needs this queue cannot go on. */
public final class QueueRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public QueueRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}
