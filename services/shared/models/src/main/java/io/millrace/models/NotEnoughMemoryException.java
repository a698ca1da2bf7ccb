package io.millrace.models;

/** A computation that was not begun, since it would not have fitted. */
public final class NotEnoughMemoryException extends RuntimeException {
    NotEnoughMemoryException(String message) {
        super(message);
    }
}
