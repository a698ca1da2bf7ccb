package io.millrace.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/** Files that are being written and have no name yet. A process that dies leaves some behind; they harm nobody. */
final class TempFiles {
    private static final Duration LEFT_BEHIND_AFTER = Duration.ofDays(1);

    private final Path folder;
    private final Disk disk;
    private final boolean toRead;

    private TempFiles(Path folder, Disk disk, boolean toRead) {
        this.folder = folder;
        this.disk = disk;
        this.toRead = toRead;
    }

    TempFiles(Path folder, Disk disk) {
        this(folder, disk, false);
    }

    /** For who only reads: nothing is made there, not even to learn the time. */
    static TempFiles toRead(Path folder, Disk disk) {
        return new TempFiles(folder, disk, true);
    }

    Path next() {
        return folder.resolve(UUID.randomUUID() + ".tmp");
    }

    /** Whether content is worth a sync. */
    interface Durable {
        boolean test(Content content) throws IOException;
    }

    /** Writes a file; it is on the disk when this returns, if {@code durable}. */
    Content write(Path temp, InputStream content, Durable durable) throws IOException {
        try (FileOutputStream out = disk.create(temp)) {
            Content written = Content.copy(content, out);
            if (durable.test(written)) {
                disk.sync(temp, out);
            }
            return written;
        } catch (IOException e) {
            throw DiskFullException.orSame(temp.toString(), e);
        }
    }

    /**
     * Deletes what processes left behind that died more than a day ago.
     */
    void sweep() throws IOException {
        Instant now = now();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.tmp")) {
            for (Path file : files) {
                if (modified(file, now).isBefore(now.minus(LEFT_BEHIND_AFTER))) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    /** The file system's time: on a network share this machine's clock may be another, which is enough to show an age. */
    Instant now() throws IOException {
        if (toRead) {
            return Instant.now();
        }
        Path probe = next();
        try {
            return Files.getLastModifiedTime(Files.createFile(probe)).toInstant();
        } finally {
            Files.deleteIfExists(probe);
        }
    }

    private static Instant modified(Path file, Instant ifGone) throws IOException {
        try {
            return Files.getLastModifiedTime(file).toInstant();
        } catch (NoSuchFileException e) {
            return ifGone;
        }
    }
}
