package io.millrace.store;

import io.millrace.events.Digest;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The blobs of a folder store. A blob is written under no name, synced, made read-only and renamed into place; the
 * folder that holds its name is synced before anyone is told. Two writers of the same blob rename the same bytes, so the
 * order in which they come does not matter. A blob that is damaged, cut off by a crash of the machine or spoiled by its
 * disk, is replaced; so is one that was put more than {@link #RENEWED_AFTER} ago: its age says since when nobody wanted
 * it, and a blob that ages while its writer has yet to name it in a result could be collected under his hands. Naming
 * and deleting exclude each other by a lock.
 */
final class BlobFolder {
    /** So long a blob that is put again is as good as new; far less than any grace period. */
    static final Duration RENEWED_AFTER = Duration.ofHours(1);

    private final Path root;
    private final Disk disk;
    private final TempFiles temps;
    private final FolderLocks naming;
    private final VerifiedFiles verified;
    private final Set<Path> durableFolders = ConcurrentHashMap.newKeySet();

    BlobFolder(Path root, Disk disk, TempFiles temps, FolderLocks naming, VerifiedFiles verified) {
        this.root = root;
        this.disk = disk;
        this.temps = temps;
        this.naming = naming;
        this.verified = verified;
    }

    Path path(Digest blob) {
        return folder(blob).resolve(blob.hex());
    }

    private Path folder(Digest blob) {
        return root.resolve(blob.hex().substring(0, 2));
    }

    Content write(Path file) throws IOException {
        try (InputStream in = new FileInputStream(file.toFile())) {
            return write(in);
        }
    }

    Digest write(byte[] content) throws IOException {
        return write(new ByteArrayInputStream(content)).digest();
    }

    Content write(InputStream in) throws IOException {
        Path temp = temps.next();
        try {
            Content content = temps.write(temp, in, written -> isNew(written, modified(temp)));
            if (isNew(content, modified(temp))) {
                name(temp, content.digest());
            }
            return content;
        } finally {
            Files.deleteIfExists(temp);
        }
    }

    /**
     * Stores what must be this blob, and remembers that it was: it need not be read again to be checked out.
     *
     * @throws DamagedFileException if it is another; then nothing is stored
     */
    void write(InputStream in, Digest blob, String where) throws IOException {
        Path temp = temps.next();
        try {
            temps.write(temp, in, written -> {
                VerifyingInputStream.require(where, blob, written.digest());
                return true;
            });
            VerifiedFiles.Stamp stamp = VerifiedFiles.Stamp.of(temp);
            name(temp, blob);
            verified.remember(path(blob), stamp, blob);
        } finally {
            Files.deleteIfExists(temp);
        }
    }

    /**
     * Stores a file that nobody writes to any more by giving it a second name, so that nothing is copied. A file with
     * other names, which may be a user's, is copied, as is one on another disk; one that is there already is not, so that
     * who tries again where the disk was full needs no more room than the first time.
     *
     * @param known the digest, if the writer computed it
     */
    Content takeOver(Path file, @Nullable Digest known) throws IOException {
        if (known == null && !isOnThisDisk(file)) {
            return write(file);
        }
        Content content = known == null ? Content.of(file) : new Content(known, Files.size(file));
        if (Files.exists(path(content.digest())) && !isNew(content, temps.now())) {
            return content;
        }
        if (!isOnThisDisk(file) || !Files.getAttribute(file, "unix:nlink").equals(1)) {
            return write(file);
        }
        Path temp = temps.next();
        try {
            Files.createLink(temp, file);
        } catch (IOException | UnsupportedOperationException e) {
            return write(file);
        }
        try {
            disk.sync(temp);
            // Its age counts from when it was put, not from when a stage wrote it: by the file system's clock, from the
            // link.
            Files.setLastModifiedTime(temp, (FileTime) Files.getAttribute(temp, "unix:ctime"));
            name(temp, content.digest());
        } finally {
            Files.deleteIfExists(temp);
        }
        return content;
    }

    private boolean isOnThisDisk(Path file) throws IOException {
        return file.getFileSystem().supportedFileAttributeViews().contains("unix")
                && Files.getAttribute(file, "unix:dev").equals(Files.getAttribute(root, "unix:dev"));
    }

    private void name(Path temp, Digest blob) throws IOException {
        if (!temp.toFile().setReadOnly()) {
            throw new IOException(temp + ": could not be made read-only");
        }
        if (!Files.isDirectory(folder(blob))) {
            Files.createDirectories(folder(blob));
        }
        naming.locked(blob.hex(), () -> {
            disk.rename(temp, path(blob));
            return blob;
        });
    }

    private boolean isNew(Content content, Instant now) throws IOException {
        Path path = path(content.digest());
        try {
            return age(path, now).compareTo(RENEWED_AFTER) > 0 || !isSound(content.digest(), content.sizeBytes());
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    /**
     * What a blob that was not found means. Where a share is not mounted there is an empty folder, or what a process made
     * of one that began there; a blob that is there after all was away for a moment.
     */
    IOException missing(Digest blob, NoSuchFileException notFound) {
        return holdsAny() && !Files.exists(path(blob))
                ? notFound
                : new StoreUnreachableException(
                        root + ": holds no blob or was away when " + blob.hex()
                                + " was asked for; is the share mounted on this machine?",
                        notFound);
    }

    private boolean holdsAny() {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(root)) {
            return folders.iterator().hasNext();
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether the blob holds what its name says. */
    boolean isSound(Digest blob, long sizeBytes) throws IOException {
        Path path = path(blob);
        return Files.size(path) == sizeBytes && verified.digest(path).equals(blob);
    }

    private static Duration age(Path file, Instant now) throws IOException {
        return Duration.between(modified(file), now);
    }

    private static Instant modified(Path file) throws IOException {
        return Files.getLastModifiedTime(file).toInstant();
    }

    /** Deletes a blob that was not put for so long. */
    boolean delete(Digest blob, Duration grace) throws IOException {
        return naming.locked(blob.hex(), () -> {
            try {
                return age(path(blob), temps.now()).compareTo(grace) >= 0 && Files.deleteIfExists(path(blob));
            } catch (NoSuchFileException e) {
                return false;
            }
        });
    }

    /**
     * Makes the names of these blobs durable, also of those that another process is just writing; and once per process
     * the name of each folder that it uses, for another may just have made it.
     */
    void settle(Collection<Digest> blobs) throws IOException {
        Set<Path> folders = new LinkedHashSet<>();
        for (Digest blob : blobs) {
            folders.add(folder(blob));
        }
        for (Path folder : folders) {
            disk.syncFolder(folder);
        }
        if (!durableFolders.containsAll(folders)) {
            disk.syncFolder(root);
            durableFolders.addAll(folders);
        }
    }

    Optional<Long> sizeBytes(Digest blob) throws IOException {
        try {
            return Optional.of(Files.size(path(blob)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
