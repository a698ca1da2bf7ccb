package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Digests of files on disk. The digest of a big file is remembered, in this process only, while path, size, modification
 * time and inode stay the same: a checkpoint of 16 GB is read once, not for each job. Small files are read each time:
 * they could change twice within one tick of the file system's clock.
 */
final class VerifiedFiles {
    private static final long SMALL_BYTES = 4 << 20;
    private static final int REMEMBERED = 4096;

    /** What tells one state of a file from another. */
    record Stamp(
            long sizeBytes, FileTime modified, @Nullable Object inode) {
        static Stamp of(Path file) throws IOException {
            BasicFileAttributes attributes =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return new Stamp(attributes.size(), attributes.lastModifiedTime(), attributes.fileKey());
        }
    }

    private record Known(Stamp stamp, Digest digest) {}

    private final Map<Path, Known> known = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Path, Known> eldest) {
            return size() > REMEMBERED;
        }
    };

    Digest digest(Path file) throws IOException {
        Path path = file.toAbsolutePath();
        Stamp before = Stamp.of(path);
        Known remembered = recall(path);
        if (remembered != null && remembered.stamp().equals(before)) {
            return remembered.digest();
        }
        Digest digest = Content.of(path).digest();
        if (before.equals(Stamp.of(path))) {
            remember(path, before, digest);
        }
        return digest;
    }

    /** Notes the digest of a file as it was when it had this stamp. */
    void remember(Path file, Stamp stamp, Digest digest) {
        if (stamp.sizeBytes() > SMALL_BYTES) {
            put(file.toAbsolutePath(), new Known(stamp, digest));
        }
    }

    private synchronized @Nullable Known recall(Path path) {
        return known.get(path);
    }

    private synchronized void put(Path path, Known file) {
        known.put(path, file);
    }
}
