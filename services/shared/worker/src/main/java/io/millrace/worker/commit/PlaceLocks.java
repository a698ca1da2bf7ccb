package io.millrace.worker.commit;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who works where: one byte of the file {@code locks} per folder of a job, locked by the process that works in it. The
 * operating system frees the locks of a process that dies.
 *
 * <p>Closing a file frees every lock that the process has on it, so each such file is opened once per process and stays
 * open until the process ends. If someone removes it, locks in it exclude nobody who comes later: the next lock is taken in the
 * file that is there by then, and the removed one stays open for those that are held.
 */
final class PlaceLocks {
    static final String FILE = "locks";

    private static final Map<Path, PlaceLocks> OPEN = new HashMap<>();
    /** 56 bits: far more bytes than there will ever be jobs, and no overflow with a place's number added. */
    private static final int HEX_DIGITS = 14;

    private final FileChannel channel;
    /** Which file it is, whatever its name; null where a file system does not tell. */
    private final @Nullable Object identity;

    private PlaceLocks(FileChannel channel, @Nullable Object identity) {
        this.channel = channel;
        this.identity = identity;
    }

    /** The locks of the folders below {@code root}, which is made if it is not there. */
    static PlaceLocks in(Path root) throws IOException {
        synchronized (OPEN) {
            if (!Files.isDirectory(root)) {
                Files.createDirectories(root);
            }
            Path file = root.toRealPath().resolve(FILE);
            PlaceLocks locks = OPEN.get(file);
            if (locks == null || !Files.exists(file) || !Objects.equals(locks.identity, identity(file))) {
                FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                locks = new PlaceLocks(channel, identity(file));
                OPEN.put(file, locks);
            }
            return locks;
        }
    }

    private static @Nullable Object identity(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    /** The lock of the job's {@code n}th folder; empty if it is taken, here or in another process. */
    Optional<FileLock> take(JobKey key, int n) throws IOException {
        long at = Long.parseLong(key.toString().substring(0, HEX_DIGITS), 16) + n;
        try {
            return Optional.ofNullable(channel.tryLock(at, 1, false));
        } catch (OverlappingFileLockException heldInThisProcess) {
            return Optional.empty();
        }
    }
}
