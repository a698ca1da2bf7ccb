package io.millrace.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A hidden folder beside the one that it is to become. Whoever fills it holds a lock on a file in it, which ends with its
 * process; so what a killed process left is told from work that goes on, and the next one clears it away.
 */
public final class PartialFolder implements AutoCloseable {
    private final Path folder;
    private final FileChannel lock;

    private PartialFolder(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /** Takes the folder that is to become {@code target}, empty; nothing if another process fills it. */
    public static Optional<PartialFolder> of(Path target) throws IOException {
        Path folder = target.resolveSibling("." + target.getFileName() + ".partial");
        FileChannel lock = lock(folder);
        if (lock == null) {
            return Optional.empty();
        }
        PartialFolder partial = new PartialFolder(folder, lock);
        try {
            FolderTree.delete(partial.files());
            Files.createDirectory(partial.files());
            return Optional.of(partial);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static @Nullable FileChannel lock(Path folder) throws IOException {
        Path file = lockFile(folder);
        while (true) {
            Files.createDirectories(folder);
            FileChannel channel = null;
            boolean held = false;
            try {
                create(file);
                Object before = key(file);
                channel = FileChannel.open(file, StandardOpenOption.WRITE);
                if (!locked(channel)) {
                    return null;
                }
                // The one before may have removed the file between the opening and the lock, which then holds nothing.
                held = Objects.equals(before, key(file));
                if (held) {
                    return channel;
                }
            } catch (NoSuchFileException leftJustNow) {
                // By the one before; its name is free.
            } finally {
                if (channel != null && !held) {
                    channel.close();
                }
            }
        }
    }

    private static void create(Path file) throws IOException {
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException left) {
            // By the one before, or by one that is at work.
        }
    }

    private static boolean locked(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException heldByThisProcess) {
            return false;
        }
    }

    private static @Nullable Object key(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    private static Path lockFile(Path folder) {
        return folder.resolve("lock");
    }

    /** Where what is made lies until it is moved to its place. */
    public Path files() {
        return folder.resolve("files");
    }

    /** Removes what was not moved away, and the folder. */
    @Override
    public void close() throws IOException {
        try (lock) {
            FolderTree.delete(files());
            Files.deleteIfExists(lockFile(folder));
            Files.deleteIfExists(folder);
        } catch (DirectoryNotEmptyException takenJustNow) {
            // By the next one, whose lock it is now.
        }
    }
}
