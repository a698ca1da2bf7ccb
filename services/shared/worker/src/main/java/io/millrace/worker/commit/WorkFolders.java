package io.millrace.worker.commit;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.store.FolderTree;
import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the folders of jobs lie.
 *
 * <pre>
 * locks              one file for all jobs, a byte of it locked while a process works in a folder ({@link PlaceLocks})
 * &lt;job key&gt;/         a {@link WorkFolder}
 * spare-&lt;job key&gt;/   empty, of a job that ended ({@link SpareFolders})
 * </pre>
 *
 * <p>A claim that went stale while its holder was only paused can bring two processes to one key on one machine. Then
 * the second works in {@code <job key>-2}: two writers in one folder would commit a mixture.
 */
final class WorkFolders {
    private static final Logger LOG = LoggerFactory.getLogger(WorkFolders.class);
    private static final int PLACES = 64;
    private static final Pattern NAME =
            Pattern.compile("(?<spare>" + SpareFolders.PREFIX + ")?(?<key>[0-9a-f]{64})(?:-(?<number>[0-9]{1,2}))?");

    private final Path root;
    private final SpareFolders spares = new SpareFolders();

    WorkFolders(Path root) {
        this.root = root;
    }

    WorkFolder open(JobKey key) throws IOException {
        for (int n = 1; n <= PLACES; n++) {
            Path place = root.resolve(n == 1 ? key.toString() : key + "-" + n);
            Optional<FileLock> lock = PlaceLocks.in(root).take(key, n);
            if (lock.isPresent()) {
                return WorkFolder.open(place, lock.get(), spares);
            }
        }
        throw new IOException(root + ": " + PLACES + " processes already work on job " + key
                + " here; find out why they hold their locks in " + root.resolve(PlaceLocks.FILE));
    }

    /** Removes the folders that nobody works in and nobody changed since {@code before}, all of them that can be. */
    void sweep(Instant before) throws IOException {
        if (!Files.isDirectory(root)) {
            return;
        }
        try (Stream<Path> places = Files.list(root)) {
            for (Path place : places.toList()) {
                try {
                    Matcher name = NAME.matcher(place.getFileName().toString());
                    if (name.matches() && isOlder(place, before)) {
                        sweepPlace(place, name);
                    }
                } catch (IOException e) {
                    LOG.warn("could not remove {}, which an earlier job left: {}", place, e.toString());
                }
            }
        }
    }

    /** Workers here give a folder another name at the end of each job. */
    private static boolean isOlder(Path place, Instant before) throws IOException {
        try {
            return Files.getLastModifiedTime(place).toInstant().isBefore(before);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void sweepPlace(Path place, Matcher name) throws IOException {
        if (name.group("spare") != null) {
            // Another process that takes it just now finds out.
            FolderTree.delete(place);
            return;
        }
        JobKey key = new JobKey(new Digest(name.group("key")));
        int n = name.group("number") == null ? 1 : Integer.parseInt(name.group("number"));
        Optional<FileLock> lock = PlaceLocks.in(root).take(key, n);
        if (lock.isPresent()) {
            try (FileLock _ = lock.get()) {
                FolderTree.delete(place);
            }
        }
    }
}
