package io.millrace.worker.commit;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A job's folder on local disk.
 *
 * <pre>
 * &lt;job key&gt;/lock       held while a process works here
 * &lt;job key&gt;/inputs/    one folder per role; made anew for each start
 * &lt;job key&gt;/work/      the stage's own; survives a crash
 * &lt;job key&gt;/finished   the stage has returned: what a commit needs ({@link FinishedWork}); appears at once and whole
 * </pre>
 *
 * <p>A claim that went stale while its holder was only paused can bring two processes to one key on one machine. Then
 * the second works in {@code <job key>-2}: two writers in one folder would commit a mixture.
 */
final class WorkFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkFolder.class);
    private static final int PLACES = 64;

    private final Path place;
    private final FileChannel lock;

    private WorkFolder(Path place, FileChannel lock) {
        this.place = place;
        this.lock = lock;
    }

    static WorkFolder open(Path root, JobKey key) throws IOException {
        for (int n = 1; n <= PLACES; n++) {
            Path place = root.resolve(n == 1 ? key.toString() : key + "-" + n);
            Files.createDirectories(place);
            FileChannel lock = lockOf(place);
            if (lock != null) {
                WorkFolder folder = new WorkFolder(place, lock);
                deleteTree(folder.inputs());
                Files.createDirectories(folder.inputs());
                Files.createDirectories(folder.work());
                return folder;
            }
        }
        throw new IOException(root + ": " + PLACES + " processes already work on job " + key
                + " here; find out why they all hold " + key + "*/lock");
    }

    /** Removes the folders that nobody works in and nobody changed since {@code before}. */
    static void sweep(Path root, Instant before) throws IOException {
        if (!Files.isDirectory(root)) {
            return;
        }
        try (Stream<Path> places = Files.list(root)) {
            for (Path place : places.toList()) {
                if (Files.isRegularFile(place.resolve("lock"))
                        && Files.getLastModifiedTime(place.resolve("lock"))
                                .toInstant()
                                .isBefore(before)) {
                    try (FileChannel lock = lockOf(place)) {
                        if (lock != null) {
                            deleteTree(place);
                        }
                    }
                }
            }
        }
    }

    Path inputs() {
        return place.resolve("inputs");
    }

    Path work() {
        return place.resolve("work");
    }

    /** Writes down that the stage has returned; a process that dies from here on has finished the work. */
    void keep(FinishedWork work) throws IOException {
        Optional<String> boot = Boot.id();
        if (boot.isPresent()) {
            Path next = place.resolve("finished.next");
            Files.writeString(next, work.json(work(), boot.get()));
            Files.move(next, finished(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** What an earlier process finished here and could not commit. */
    Optional<FinishedWork> kept() throws IOException {
        Optional<String> boot = Boot.id();
        if (boot.isEmpty() || !Files.exists(finished())) {
            return Optional.empty();
        }
        try {
            return FinishedWork.parse(Files.readString(finished()), work(), boot.get())
                    .filter(work -> Files.isDirectory(work.output().folder()));
        } catch (IllegalArgumentException | CharacterCodingException e) {
            LOG.warn("{} cannot be used and the job is done again: {}", finished(), e.getMessage());
            return Optional.empty();
        }
    }

    private Path finished() {
        return place.resolve("finished");
    }

    /** Nothing of this job is needed any more. */
    void delete() throws IOException {
        deleteTree(place);
    }

    @Override
    public void close() {
        try (lock) {
            deleteTree(inputs());
        } catch (IOException e) {
            // The job's outcome does not depend on it, and the sweep at the next start finds what is left.
            LOG.warn("could not clear {}: {}", place, e.toString());
        }
    }

    private static @Nullable FileChannel lockOf(Path place) throws IOException {
        FileChannel channel =
                FileChannel.open(place.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                Files.setLastModifiedTime(place.resolve("lock"), FileTime.from(Instant.now()));
                return channel;
            }
        } catch (OverlappingFileLockException heldInThisProcess) {
            // Told from a lock of another process only by the exception; the answer is the same.
        }
        channel.close();
        return null;
    }

    private static void deleteTree(Path folder) throws IOException {
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException trouble)
                        throws IOException {
                    if (trouble != null) {
                        throw trouble;
                    }
                    Files.deleteIfExists(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (NoSuchFileException nothingThere) {
            // That is what was wanted.
        }
    }
}
