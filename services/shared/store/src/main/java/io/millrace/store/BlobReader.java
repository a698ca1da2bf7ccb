package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Hands out the blobs of a folder, and none that is damaged. */
record BlobReader(BlobFolder blobs, VerifiedFiles verified) {
    InputStream open(Digest blob) throws IOException {
        Path path = blobs.path(blob);
        try {
            return new VerifyingInputStream(Files.newInputStream(path), path.toString(), blob);
        } catch (NoSuchFileException e) {
            throw gone(path, e);
        }
    }

    /** Gives a verified blob a second name, or copies it where the file system has no such links. */
    void checkOut(Manifest.Entry entry, Path target) throws IOException {
        Path blob = blobs.path(entry.sha256());
        try {
            verify(blob, entry);
        } catch (NoSuchFileException e) {
            throw gone(blob, e);
        }
        Files.deleteIfExists(target);
        try {
            Files.createLink(target, blob);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException e) {
            copy(blob, target);
        }
    }

    private static void copy(Path blob, Path target) throws IOException {
        try {
            Files.copy(blob, target);
        } catch (IOException e) {
            throw DiskFullException.orSame(target.toString(), e);
        }
        if (!target.toFile().setReadOnly()) {
            throw new IOException(target + ": could not be made read-only");
        }
    }

    private void verify(Path blob, Manifest.Entry entry) throws IOException {
        long sizeBytes = Files.size(blob);
        if (sizeBytes != entry.sizeBytes()) {
            throw new DamagedFileException(blob + ": '" + entry.name() + "' has " + sizeBytes + " bytes, expected "
                    + entry.sizeBytes() + "; 'millrace store verify' says what needs it and how to make it again");
        }
        Digest found = verified.digest(blob);
        if (!found.equals(entry.sha256())) {
            throw new DamagedFileException(blob + ": '" + entry.name() + "' has the digest " + found
                    + "; 'millrace store verify' says what needs it and how to make it again");
        }
    }

    private static NoSuchFileException gone(Path path, NoSuchFileException cause) {
        NoSuchFileException gone = new NoSuchFileException(
                path.toString(), null, "this blob is not in the store; 'millrace store verify' says what needs it");
        gone.initCause(cause);
        return gone;
    }
}
