package io.millrace.store;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Which store it is that lies in a folder. Where a share is unmounted an empty folder stands in its place, and a process
 * that begins there makes another store of it: what the others then write would be gone when the share is back. So
 * whoever reports what was written or found asks afterwards whether it was the same store all along.
 *
 * <p>A process holds on to the first identity that it meets, when it opens the store or first writes to it.
 */
final class FolderIdentity {
    private static final String NAME = "store-id";
    private static final int LARGEST_BYTES = 64;

    private final Path root;
    private final Disk disk;
    private final TempFiles temps;
    private final AtomicReference<@Nullable String> held;

    private FolderIdentity(Path root, Disk disk, TempFiles temps, @Nullable String held) {
        this.root = root;
        this.disk = disk;
        this.temps = temps;
        this.held = new AtomicReference<>(held);
    }

    /** Writes nothing: a store may be opened to be read alone. */
    static FolderIdentity open(Path root, Disk disk, TempFiles temps) throws IOException {
        return new FolderIdentity(root, disk, temps, read(root).orElse(null));
    }

    /**
     * After something was written; gives a new store its identity.
     *
     * @throws StoreUnreachableException if another folder stands there than before
     */
    void holdWritten() throws IOException {
        if (held.get() == null) {
            create();
        }
        hold();
    }

    /**
     * After something was read, or not found.
     *
     * @throws StoreUnreachableException if another folder stands there than before
     */
    void hold() throws IOException {
        String before = held.get();
        Optional<String> found = read(root);
        found.ifPresent(identity -> held.compareAndSet(null, identity));
        // Where none was found, another thread may have given it one since, and holds on to it.
        String expected = found.isPresent() ? held.get() : before;
        if (expected != null && !expected.equals(found.orElse(null))) {
            throw new StoreUnreachableException(
                    root + ": "
                            + found.map(other -> "holds the store " + other).orElse("holds no store")
                            + ", expected the store " + expected + " that was opened here; is the share mounted on this"
                            + " machine? If another store was put here on purpose, start this process again",
                    null);
        }
    }

    private void create() throws IOException {
        Path temp = temps.next();
        try {
            byte[] identity = (UUID.randomUUID() + "\n").getBytes(StandardCharsets.US_ASCII);
            temps.write(temp, new ByteArrayInputStream(identity), _ -> true);
            disk.link(root.resolve(NAME), temp);
            disk.syncFolder(root);
        } catch (FileAlreadyExistsException another) {
            // Another process was first, and its identity is this one's too.
        } finally {
            Files.deleteIfExists(temp);
        }
    }

    private static Optional<String> read(Path root) throws IOException {
        try (InputStream in = Files.newInputStream(root.resolve(NAME))) {
            return Optional.of(new String(in.readNBytes(LARGEST_BYTES), StandardCharsets.US_ASCII).strip());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
