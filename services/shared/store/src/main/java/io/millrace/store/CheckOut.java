package io.millrace.store;

import io.millrace.events.ArtifactRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes the files of an artifact readable in a folder. How one blob gets there is the adapter's; what is asked for, and
 * that a checkpoint in its own place is verified there, is the same for all.
 */
final class CheckOut {
    /** Puts a verified, read-only file at {@code target}, whose folder is there; what has that name is replaced. */
    interface OneFile {
        void checkOut(Manifest.Entry entry, Path target) throws IOException;
    }

    private final VerifiedFiles verified;
    private final OneFile files;

    CheckOut(VerifiedFiles verified, OneFile files) {
        this.verified = verified;
        this.files = files;
    }

    Path run(ArtifactRef artifact, Manifest manifest, Path folder) throws IOException {
        if (!artifact.isInStore()) {
            return FilesInPlace.verify(manifest, artifact.location(), verified);
        }
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder);
        }
        for (Manifest.Entry entry : manifest.files()) {
            Path target = folder.resolve(entry.name());
            if (!folder.equals(target.getParent())) {
                Files.createDirectories(target.getParent());
            }
            files.checkOut(entry, target);
        }
        return folder;
    }
}
