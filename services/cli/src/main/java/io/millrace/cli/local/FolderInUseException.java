package io.millrace.cli.local;

import java.io.IOException;
import java.nio.file.Path;

/** Another Millrace holds this folder. */
public final class FolderInUseException extends IOException {
    public FolderInUseException(Path folder) {
        this(folder, "stop it, or choose another with --home");
    }

    /** @param remedy what to do */
    public FolderInUseException(Path folder, String remedy) {
        super("another Millrace uses this folder: " + folder + "; " + remedy);
    }
}
