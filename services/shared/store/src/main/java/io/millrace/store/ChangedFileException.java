package io.millrace.store;

import java.io.IOException;

/** A file of a checkpoint is not the one that was published. */
public final class ChangedFileException extends IOException {
    public ChangedFileException(String message) {
        super(message);
    }
}
