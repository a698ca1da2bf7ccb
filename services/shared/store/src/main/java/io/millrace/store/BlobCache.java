package io.millrace.store;

import io.millrace.events.Digest;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Blobs of a remote store on this machine's disk, shared by its processes. A job's folder gets a second name of the
 * cached file where the file system allows it, so what is evicted stays with the jobs that read it.
 *
 * <pre>
 * blobs/&lt;2 hex&gt;/&lt;sha-256&gt;   content, verified when it is fetched, and once by each process that checks it out
 * used/&lt;sha-256&gt;           its modification time says when the blob was last asked for
 * locks/                  one download of a blob at a time, one eviction at a time
 * names/                  locks of {@link BlobFolder}, taken while a download's is held
 * tmp/                    being downloaded
 * </pre>
 */
final class BlobCache {
    private static final int ATTEMPTS = 10;

    /** What comes damaged once more is not the disk's doing: its manifest states another size than it has. */
    private static final int DAMAGED_ATTEMPTS = 2;

    private record Kept(Path file, long sizeBytes, FileTime used) {}

    /** Where a blob comes from. */
    interface Source {
        /** Its bytes as they come, which the cache verifies. */
        InputStream fetch(Digest blob) throws IOException;

        String where(Digest blob);
    }

    private final Path root;
    private final long limitBytes;
    private final Source source;
    private final FolderLocks locks;
    private final BlobFolder blobs;
    private final BlobReader reader;

    private BlobCache(Path root, long limitBytes, Source source, BlobFolder blobs, BlobReader reader) {
        this.root = root;
        this.limitBytes = limitBytes;
        this.source = source;
        this.locks = new FolderLocks(root.resolve("locks"));
        this.blobs = blobs;
        this.reader = reader;
    }

    /** @param limitBytes of all cached files together; a larger file is kept alone until the next one comes */
    static BlobCache open(Path folder, long limitBytes, VerifiedFiles verified, Source source) throws IOException {
        return open(folder, limitBytes, verified, source, new Disk());
    }

    static BlobCache open(Path folder, long limitBytes, VerifiedFiles verified, Source source, Disk disk)
            throws IOException {
        Path root = Files.createDirectories(folder).toRealPath();
        for (String part : List.of("blobs", "used", "locks", "names", "tmp")) {
            Files.createDirectories(root.resolve(part));
        }
        TempFiles temps = new TempFiles(root.resolve("tmp"), disk);
        temps.sweep();
        BlobFolder blobs =
                new BlobFolder(root.resolve("blobs"), disk, temps, new FolderLocks(root.resolve("names")), verified);
        return new BlobCache(root, limitBytes, source, blobs, new BlobReader(blobs, verified));
    }

    /** Puts a blob at {@code target}, from the cache or its source; a cached file that was damaged is fetched anew. */
    void checkOut(Manifest.Entry entry, Path target) throws IOException {
        int damaged = 0;
        for (int attempt = 1; ; attempt++) {
            provide(entry);
            try {
                reader.checkOut(entry, target);
                return;
            } catch (DamagedFileException e) {
                Files.deleteIfExists(blobs.path(entry.sha256()));
                damaged++;
                if (damaged == DAMAGED_ATTEMPTS) {
                    throw e;
                }
            } catch (NoSuchFileException | FileNotFoundException e) {
                // Another process evicted it just now.
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** Where the cache itself fills its disk, what was not used for long gives way. */
    private void provide(Manifest.Entry entry) throws IOException {
        try {
            use(entry.sha256());
            fetch(entry);
        } catch (DiskFullException e) {
            if (!makeRoom(entry.sizeBytes())) {
                throw e;
            }
            use(entry.sha256());
            fetch(entry);
        }
    }

    /** Before the blob is there: what nobody used is evicted first. */
    private void use(Digest blob) throws IOException {
        Path used = root.resolve("used").resolve(blob.hex());
        try {
            Files.write(used, new byte[1]);
        } catch (IOException e) {
            throw DiskFullException.orSame(used.toString(), e);
        }
    }

    private void fetch(Manifest.Entry entry) throws IOException {
        Digest blob = entry.sha256();
        if (blobs.sizeBytes(blob).isPresent()) {
            return;
        }
        locks.locked(blob.hex(), () -> {
            if (blobs.sizeBytes(blob).isEmpty()) {
                locks.locked("eviction", () -> evict(limitBytes - entry.sizeBytes()));
                download(blob);
                // Others who came at the same moment made room for theirs only; the newest one stays.
                use(blob);
                locks.locked("eviction", () -> evict(Math.max(limitBytes, entry.sizeBytes())));
            }
            return blob;
        });
    }

    /** What comes damaged is fetched once more: it may have been changed on its way. */
    private void download(Digest blob) throws IOException {
        try {
            downloadOnce(blob);
        } catch (DamagedFileException e) {
            downloadOnce(blob);
        }
    }

    private void downloadOnce(Digest blob) throws IOException {
        try (InputStream in = source.fetch(blob)) {
            blobs.write(in, blob, source.where(blob));
        }
    }

    /** @return false if there is nothing to evict */
    private boolean makeRoom(long sizeBytes) throws IOException {
        return locks.locked("eviction", () -> {
            long heldBytes = kept().stream().mapToLong(Kept::sizeBytes).sum();
            return heldBytes > 0 && evict(heldBytes - sizeBytes) < heldBytes;
        });
    }

    /** Deletes the least recently used files until the others need no more than so much. */
    private long evict(long roomBytes) throws IOException {
        List<Kept> kept = kept();
        kept.sort(Comparator.comparing(Kept::used).thenComparing(Kept::file));
        long sizeBytes = kept.stream().mapToLong(Kept::sizeBytes).sum();
        for (Kept file : kept) {
            if (sizeBytes <= roomBytes) {
                break;
            }
            Files.deleteIfExists(file.file());
            Files.deleteIfExists(root.resolve("used").resolve(file.file().getFileName()));
            sizeBytes -= file.sizeBytes();
        }
        return sizeBytes;
    }

    private List<Kept> kept() throws IOException {
        List<Kept> kept = new ArrayList<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(root.resolve("blobs"))) {
            for (Path folder : folders) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                    for (Path file : files) {
                        kept.add(kept(file));
                    }
                }
            }
        }
        return kept;
    }

    private Kept kept(Path file) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new Kept(file, attributes.size(), used(file));
        } catch (NoSuchFileException e) {
            return new Kept(file, 0, FileTime.fromMillis(0));
        }
    }

    private FileTime used(Path file) throws IOException {
        try {
            return Files.getLastModifiedTime(root.resolve("used").resolve(file.getFileName()));
        } catch (NoSuchFileException e) {
            return FileTime.fromMillis(0);
        }
    }
}
