package io.millrace.store;

import java.io.IOException;

/** A store that is not the one that the roots speak of. */
public final class ForeignStoreException extends IOException {
    ForeignStoreException(String message) {
        super(message);
    }
}
