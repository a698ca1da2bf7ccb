package io.millrace.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Optional;

/** What is wrong with a file, where the message of the exception is its path and nothing else. */
final class FileProblem {
    private FileProblem() {}

    static Optional<String> of(Exception error) {
        return switch (error) {
            case NoSuchFileException missing ->
                Optional.of("there is no file " + missing.getFile()
                        + (missing.getReason() == null ? "" : "; " + missing.getReason()));
            case AccessDeniedException denied ->
                Optional.of("user '" + System.getProperty("user.name") + "' has no permission for " + denied.getFile());
            case NotDirectoryException file -> Optional.of(file.getFile() + " is no folder");
            case FileAlreadyExistsException there -> Optional.of(there.getFile() + " exists already, and is no folder");
            default -> Optional.empty();
        };
    }
}
