package io.millrace.cli.local;

import io.millrace.worker.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The folder that a service is going to live in. */
public final class WritableFolder {
    private WritableFolder() {}

    /**
     * Makes the folder where it is not there.
     *
     * @param option that names another one
     * @throws StartException if it cannot be made, or nothing can be written there
     */
    public static void make(Path folder, String option) throws StartException {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new StartException(
                    folder + ": this folder cannot be made (" + e + "); name another with " + option, e);
        }
        if (!Files.isWritable(folder)) {
            throw new StartException(folder + ": this user may not write into this folder, or its disk is read-only;"
                    + " name another with " + option);
        }
    }

    /**
     * Looks at the disk before anything is written there.
     *
     * @throws StartException if it has fewer bytes free
     */
    public static void requireRoom(Path folder, long bytes, String option) throws IOException {
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < bytes) {
            throw new StartException("the disk of " + folder + " has " + (free >> 20) + " MiB free, expected at least "
                    + (bytes >> 20) + " MiB; make room there, or name another folder with " + option);
        }
    }
}
