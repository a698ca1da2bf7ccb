package io.millrace.worker.commit;

import io.millrace.events.Role;
import io.millrace.store.FolderTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileLock;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A job's folder on local disk.
 *
 * <pre>
 * input-&lt;role&gt;/    made anew for each start
 * work/            the stage's own; survives a crash
 * finished         the stage has returned: what a commit needs ({@link FinishedWork}); nothing if it is empty or cut off
 * </pre>
 */
final class WorkFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkFolder.class);

    static final String WORK = "work";
    static final String INPUT = "input-";
    static final String FINISHED = "finished";

    private final Path place;
    private final FileLock lock;
    private final SpareFolders spares;
    private boolean deleted;

    private WorkFolder(Path place, FileLock lock, SpareFolders spares) {
        this.place = place;
        this.lock = lock;
        this.spares = spares;
    }

    /** Opens the folder under a lock that is held until it is closed. */
    static WorkFolder open(Path place, FileLock lock, SpareFolders spares) throws IOException {
        try {
            WorkFolder folder = new WorkFolder(place, lock, spares);
            if (Files.isDirectory(folder.work())) {
                folder.clearInputs();
                if (folder.kept().isEmpty()) {
                    folder.leaveToTheStore();
                }
            } else {
                spares.take(place);
                if (!Files.isDirectory(folder.work())) {
                    Files.createDirectories(folder.work());
                }
            }
            Files.setLastModifiedTime(place, FileTime.from(Instant.now()));
            return folder;
        } catch (IOException e) {
            lock.release();
            throw e;
        }
    }

    /** Where the input of this role is opened. */
    Path input(Role role) {
        return place.resolve(INPUT + role.wireName());
    }

    Path work() {
        return place.resolve(WORK);
    }

    /** Writes down that the stage has returned; a process that dies from here on has finished the work. */
    void keep(FinishedWork work) throws IOException {
        Optional<String> boot = Boot.id();
        if (boot.isPresent()) {
            Files.writeString(finished(), work.json(work(), boot.get()));
        }
    }

    /** What an earlier process finished here and could not commit. */
    Optional<FinishedWork> kept() throws IOException {
        Optional<String> boot = Boot.id();
        if (boot.isEmpty() || !Files.exists(finished())) {
            return Optional.empty();
        }
        try {
            String json = Files.readString(finished());
            if (json.isEmpty()) {
                return Optional.empty();
            }
            return FinishedWork.parse(json, work(), boot.get())
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
        return place.resolve(FINISHED);
    }

    /** Nothing of this job is needed any more. */
    void delete() {
        try {
            spares.give(place);
            deleted = true;
        } catch (IOException | UncheckedIOException e) {
            left(e);
        }
    }

    @Override
    public void close() {
        try (lock) {
            if (!deleted) {
                clearInputs();
            }
        } catch (IOException e) {
            left(e);
        }
    }

    /** The job's outcome does not depend on it, and the next sweep finds it. */
    private void left(Exception why) {
        LOG.warn("could not clear {}: {}", place, why.toString());
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
