package io.millrace.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One process at a time per key, on one machine or a share with file locks. The operating system frees the lock of a
 * process that dies. Such locks count per process, so threads take a lock of this process first; that also keeps the
 * lock file open only once, for closing it anywhere in the process would free it.
 */
final class FolderLocks {
    private static final ConcurrentMap<Path, Lock> IN_THIS_PROCESS = new ConcurrentHashMap<>();
    private static final int LONGEST_PAUSE_MILLIS = 50;

    private final Path folder;

    FolderLocks(Path folder) {
        this.folder = folder;
    }

    /** Something to do while others wait. */
    interface Work<T> {
        T run() throws IOException;
    }

    /** Keys share 256 lock files, by their first two digits. Who waits can be interrupted. */
    <T> T locked(String hex, Work<T> work) throws IOException {
        Path file = folder.resolve(hex.substring(0, 2) + ".lock");
        Lock lock = IN_THIS_PROCESS.computeIfAbsent(file, _ -> new ReentrantLock());
        try {
            lock.lockInterruptibly();
        } catch (InterruptedException e) {
            throw interrupted();
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = await(channel)) {
            return work.run();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Asks again and again: a process that waits inside the operating system counts as one that waits with all its
     * threads, so two processes of which each holds a lock that a thread of the other wants would be told of a deadlock
     * where there is none.
     */
    private static FileLock await(FileChannel channel) throws IOException {
        for (int pauseMillis = 1; ; pauseMillis = Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS)) {
            FileLock held = channel.tryLock();
            if (held != null) {
                return held;
            }
            try {
                Thread.sleep(pauseMillis);
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }
    }

    private static IOException interrupted() {
        Thread.currentThread().interrupt();
        return new FileLockInterruptionException();
    }
}
