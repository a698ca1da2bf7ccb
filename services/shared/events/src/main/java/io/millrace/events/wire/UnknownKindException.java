package io.millrace.events.wire;

/** Something well-formed that this version has no word for; becomes {@link Decoded.UnknownKind}. */
final class UnknownKindException extends RuntimeException {
    UnknownKindException(String what) {
        super(what);
    }
}
