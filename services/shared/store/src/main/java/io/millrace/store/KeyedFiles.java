package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** The results or the claims of a folder store: one small JSON file per job key. */
final class KeyedFiles<T> {
    /** Reads what {@link StoredJson} wrote; {@code where} names the file in errors. */
    interface Reader<T> {
        T read(String where, byte[] content) throws DamagedFileException;
    }

    private static final int LARGEST_BYTES = 16 << 20;

    private final Path folder;
    private final Disk disk;
    private final TempFiles temps;
    private final Reader<T> reader;

    KeyedFiles(Path folder, Disk disk, TempFiles temps, Reader<T> reader) {
        this.folder = folder;
        this.disk = disk;
        this.temps = temps;
        this.reader = reader;
    }

    Path path(JobKey key) {
        return folder.resolve(key + ".json");
    }

    Optional<T> read(JobKey key) throws IOException {
        Optional<byte[]> content = content(key);
        return content.isPresent() ? Optional.of(reader.read(path(key).toString(), content.get())) : Optional.empty();
    }

    /** As it is, whatever that is. */
    Optional<byte[]> content(JobKey key) throws IOException {
        try (var in = Files.newInputStream(path(key))) {
            return Optional.of(in.readNBytes(LARGEST_BYTES));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Creates the file whole and durable. @return false if there is one */
    boolean create(JobKey key, byte[] content) throws IOException {
        Path temp = temps.next();
        try {
            temps.write(temp, new ByteArrayInputStream(content), _ -> true);
            disk.link(path(key), temp);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } finally {
            Files.deleteIfExists(temp);
        }
    }

    /** Replaces the file: readers see the old or the new one. */
    void replace(JobKey key, byte[] content, boolean durable) throws IOException {
        Path temp = temps.next();
        try {
            temps.write(temp, new ByteArrayInputStream(content), _ -> durable);
            disk.rename(temp, path(key));
        } finally {
            Files.deleteIfExists(temp);
        }
        if (durable) {
            settle();
        }
    }

    void delete(JobKey key) throws IOException {
        Files.deleteIfExists(path(key));
    }

    void settle() throws IOException {
        disk.syncFolder(folder);
    }
}
