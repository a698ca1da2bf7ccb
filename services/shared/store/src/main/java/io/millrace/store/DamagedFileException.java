package io.millrace.store;

import java.io.IOException;

/** A file of the store is not what was written there. */
public final class DamagedFileException extends IOException {
    public DamagedFileException(String message) {
        super(message);
    }

    public DamagedFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
