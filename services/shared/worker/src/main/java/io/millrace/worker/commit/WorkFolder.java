package io.millrace.worker.commit;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Role;
import io.millrace.store.FolderTree;
import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A job's folder on local disk.
 *
 * <pre>
 * locks                      one file for all jobs, a byte of it locked while a process works in a folder ({@link PlaceLocks})
 * &lt;job key&gt;/input-&lt;role&gt;/    made anew for each start
 * &lt;job key&gt;/work/            the stage's own; survives a crash
 * &lt;job key&gt;/finished         the stage has returned: what a commit needs ({@link FinishedWork}); appears at once and whole
 * </pre>
 *
 * <p>A short job has few files on purpose: a file system that keeps inodes unused for a while after they are deleted
 * (ext4) looks at each of them before it finds one for the next job.
 *
 * <p>A claim that went stale while its holder was only paused can bring two processes to one key on one machine. Then
 * the second works in {@code <job key>-2}: two writers in one folder would commit a mixture.
 */
final class WorkFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkFolder.class);
    private static final int PLACES = 64;
    private static final Pattern NAME = Pattern.compile("([0-9a-f]{64})(?:-([0-9]{1,2}))?");

    private final Path place;
    private final FileLock lock;
    private boolean deleted;

    private WorkFolder(Path place, FileLock lock) {
        this.place = place;
        this.lock = lock;
    }

    static WorkFolder open(Path root, JobKey key) throws IOException {
        for (int n = 1; n <= PLACES; n++) {
            Path place = root.resolve(n == 1 ? key.toString() : key + "-" + n);
            Optional<FileLock> lock = PlaceLocks.in(root).take(key, n);
            if (lock.isPresent()) {
                return opened(place, lock.get());
            }
        }
        throw new IOException(root + ": " + PLACES + " processes already work on job " + key
                + " here; find out why they hold their locks in " + root.resolve(PlaceLocks.FILE));
    }

    private static WorkFolder opened(Path place, FileLock lock) throws IOException {
        try {
            WorkFolder folder = new WorkFolder(place, lock);
            if (Files.isDirectory(folder.work())) {
                folder.clearInputs();
                if (folder.kept().isEmpty()) {
                    folder.leaveToTheStore();
                }
                Files.setLastModifiedTime(place, FileTime.from(Instant.now()));
            } else {
                Files.createDirectories(folder.work());
            }
            return folder;
        } catch (IOException e) {
            lock.release();
            throw e;
        }
    }

    /** Removes the folders that nobody works in and nobody changed since {@code before}. */
    static void sweep(Path root, Instant before) throws IOException {
        if (!Files.isDirectory(root)) {
            return;
        }
        try (Stream<Path> places = Files.list(root)) {
            for (Path place : places.toList()) {
                Matcher name = NAME.matcher(place.getFileName().toString());
                if (name.matches()
                        && Files.getLastModifiedTime(place).toInstant().isBefore(before)) {
                    sweepPlace(root, place, name);
                }
            }
        }
    }

    private static void sweepPlace(Path root, Path place, Matcher name) throws IOException {
        JobKey key = new JobKey(new Digest(name.group(1)));
        int n = name.group(2) == null ? 1 : Integer.parseInt(name.group(2));
        Optional<FileLock> lock = PlaceLocks.in(root).take(key, n);
        if (lock.isPresent()) {
            try (FileLock _ = lock.get()) {
                FolderTree.delete(place);
            }
        }
    }

    /** Where the input of this role is opened. */
    Path input(Role role) {
        return place.resolve("input-" + role.wireName());
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
                    .filter(work -> Files.isDirectory(work.output().folder()))
                    .filter(WorkFolder::isWhole);
        } catch (IllegalArgumentException | CharacterCodingException e) {
            LOG.warn("{} cannot be used and the job is done again: {}", finished(), e.getMessage());
            return Optional.empty();
        }
    }

    private static boolean isWhole(FinishedWork work) {
        try {
            work.requireWhole();
            return true;
        } catch (IOException e) {
            LOG.warn("{}", e.getMessage());
            return false;
        }
    }

    private Path finished() {
        return place.resolve("finished");
    }

    /** Nothing of this job is needed any more. */
    void delete() throws IOException {
        FolderTree.delete(place);
        deleted = true;
    }

    @Override
    public void close() {
        try (lock) {
            if (!deleted) {
                clearInputs();
            }
        } catch (IOException e) {
            // The job's outcome does not depend on it, and the sweep at the next start finds what is left.
            LOG.warn("could not clear {}: {}", place, e.toString());
        }
    }

    private void clearInputs() throws IOException {
        for (Role role : Role.values()) {
            FolderTree.delete(input(role));
        }
    }

    /**
     * The stage runs again in a folder whose output went into a store just before the machine died: what is the store's
     * now must not be written to.
     */
    private void leaveToTheStore() throws IOException {
        if (!work().getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return;
        }
        try (Stream<Path> files = Files.find(work(), Integer.MAX_VALUE, (_, is) -> is.isRegularFile())) {
            for (Path file : files.toList()) {
                if (!Files.getAttribute(file, "unix:nlink").equals(1)) {
                    Files.delete(file);
                }
            }
        }
    }
}
