package io.millrace.models;

/**
 * A computation that was not begun, since it would not have fitted. Its message says "not enough memory", by which a worker
 * tells it, as the engine's own, from other errors.
 */
public final class NotEnoughMemoryException extends RuntimeException {
    NotEnoughMemoryException(String message) {
        super(message);
    }
}
