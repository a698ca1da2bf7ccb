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

    TempFiles(Path folder, Disk disk) {
        this.folder = folder;
        this.disk = disk;
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

    /** The file system's time: on a network share this machine's clock may be another. */
    Instant now() throws IOException {
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
