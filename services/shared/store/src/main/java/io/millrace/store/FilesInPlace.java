package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * A checkpoint that stays in its own folder. Its owner may still write there, so every file that the manifest names is
 * compared with it, size first, at each check out. Other files in the folder do not matter.
 */
final class FilesInPlace {
    private static final String REMEDY =
            "; it was changed after it was published: publish it again as a new version, from a folder that nobody writes to";

    private FilesInPlace() {}

    static Path folder(URI location) throws IOException {
        if (!"file".equals(location.getScheme())) {
            throw new IOException("'" + location
                    + "' cannot be read: this version reads artifacts from the store and from" + " file: folders");
        }
        try {
            return Path.of(location);
        } catch (IllegalArgumentException e) {
            throw new IOException("'" + location + "' is not the location of a local folder", e);
        }
    }

    static Path verify(Manifest manifest, URI location, VerifiedFiles verified) throws IOException {
        Path folder = folder(location);
        for (Manifest.Entry entry : manifest.files()) {
            verify(folder, entry, verified);
        }
        return folder;
    }

    private static void verify(Path folder, Manifest.Entry entry, VerifiedFiles verified) throws IOException {
        Path file = locate(folder, entry.name());
        long sizeBytes = Files.size(file);
        if (sizeBytes != entry.sizeBytes()) {
            throw new ChangedFileException(file + ": has " + sizeBytes + " bytes, expected " + entry.sizeBytes()
                    + " (digest " + entry.sha256() + ")" + REMEDY);
        }
        Digest found = verified.digest(file);
        if (!found.equals(entry.sha256())) {
            throw new ChangedFileException(
                    file + ": has the digest " + found + ", expected " + entry.sha256() + REMEDY);
        }
    }

    static boolean isComplete(Manifest manifest, URI location) throws IOException {
        Path folder = folder(location);
        for (Manifest.Entry entry : manifest.files()) {
            Path file = folder.resolve(entry.name());
            if (!Files.isRegularFile(file) || Files.size(file) != entry.sizeBytes()) {
                return false;
            }
        }
        return true;
    }

    /** The file, reached without passing a symbolic link: one could lead out of the folder. */
    private static Path locate(Path folder, String name) throws IOException {
        Path path = folder;
        for (String part : name.split("/", -1)) {
            path = path.resolve(part);
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                throw new NoSuchFileException(
                        path.toString(),
                        null,
                        "the checkpoint was published with this file; put it back, or publish again");
            }
            if (Files.isSymbolicLink(path)) {
                throw new ChangedFileException(path + ": is a symbolic link, expected the file itself" + REMEDY);
            }
        }
        if (!Files.readAttributes(path, BasicFileAttributes.class).isRegularFile()) {
            throw new ChangedFileException(path + ": is no regular file" + REMEDY);
        }
        return path;
    }
}
