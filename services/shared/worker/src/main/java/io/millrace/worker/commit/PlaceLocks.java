package io.millrace.worker.commit;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Who works where: one byte of the file {@code locks} per folder of a job, locked by the process that works in it. The
 * operating system frees the locks of a process that dies.
 *
 * <p>Closing a file frees every lock that the process has on it, so each such file is opened once per process and stays
 * open until the process ends.
 */
final class PlaceLocks {
    static final String FILE = "locks";

    private static final Map<Path, PlaceLocks> OPEN = new HashMap<>();
    /** 56 bits: far more bytes than there will ever be jobs, and no overflow with a place's number added. */
    private static final int HEX_DIGITS = 14;

    private final FileChannel channel;

    private PlaceLocks(FileChannel channel) {
        this.channel = channel;
    }

    /** The locks of the folders below {@code root}, which is made if it is not there. */
    static PlaceLocks in(Path root) throws IOException {
        synchronized (OPEN) {
            if (!Files.isDirectory(root)) {
                Files.createDirectories(root);
            }
            Path file = root.toRealPath().resolve(FILE);
            PlaceLocks locks = OPEN.get(file);
            if (locks == null) {
                locks = new PlaceLocks(FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE));
                OPEN.put(file, locks);
            }
            return locks;
        }
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
