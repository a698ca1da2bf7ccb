package io.millrace.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Optional;

/** What is wrong with a file, where the message of the exception is its path and nothing else. */
final class FileProblem {
    private static final String READ_ONLY = "Read-only file system";

    private FileProblem() {}

    static Optional<String> of(Exception error) {
        return switch (error) {
            case NoSuchFileException missing ->
                Optional.of("there is no file " + missing.getFile()
                        + (missing.getReason() == null ? "" : "; " + missing.getReason()));
            case AccessDeniedException denied ->
                Optional.of("user '" + System.getProperty("user.name") + "' has no permission for " + denied.getFile()
                        + "; change the permissions, or run this as a user who has them");
            case NotDirectoryException file -> Optional.of(file.getFile() + " is no folder");
            case FileAlreadyExistsException there -> Optional.of(there.getFile() + " exists already, and is no folder");
            case FileSystemException file
            when String.valueOf(file.getReason()).equals(READ_ONLY) ->
                Optional.of(file.getFile()
                        + " lies on a file system that may only be read; mount it for writing, or name another place");
            default -> Optional.empty();
        };
    }
}
