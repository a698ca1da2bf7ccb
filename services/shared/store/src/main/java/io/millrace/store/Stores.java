package io.millrace.store;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Opens the store that an address names. */
public final class Stores {
    /** Two letters at least, so that {@code C:\store} is a path. */
    private static final Pattern SCHEME = Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]+):.*");

    private static final String MEMORY = "memory:";

    private static final ConcurrentMap<String, MemoryStore> IN_MEMORY = new ConcurrentHashMap<>();

    private Stores() {}

    /**
     * {@code file:/folder}, a plain path, {@code s3://bucket/prefix?endpoint=URL}, {@code memory:name} (one store of that name for this process), or {@code
     * memory:} (each call a new, empty one).
     */
    public static ArtifactStore open(String address) throws IOException {
        Optional<Path> folder = folderOf(address);
        if (folder.isPresent()) {
            return FolderStore.open(folder.get());
        }
        return isInMemory(address) ? memory(address) : S3Store.open(S3Address.parse(address));
    }

    /** As {@link #open(String)}, but a folder must be there: a mistyped one would become an empty store. */
    public static ArtifactStore openExisting(String address) throws IOException {
        requireThere(folderOf(address));
        return open(address);
    }

    /** As {@link #openExisting(String)} for who only reads, and may have no right to do more. */
    public static ArtifactStore openToRead(String address) throws IOException {
        Optional<Path> folder = folderOf(address);
        requireThere(folder);
        if (folder.isPresent()) {
            return FolderStore.openToRead(folder.get());
        }
        return isInMemory(address) ? memory(address) : S3Store.openToRead(S3Address.parse(address));
    }

    private static void requireThere(Optional<Path> folder) throws NoSuchFileException {
        if (folder.isPresent() && !Files.isDirectory(folder.get())) {
            throw new NoSuchFileException(folder.get().toString());
        }
    }

    /**
     * The folder of a store that is one.
     *
     * @throws StoreAddressException if no store has such an address
     */
    public static Optional<Path> folderOf(String address) throws IOException {
        Matcher scheme = SCHEME.matcher(address);
        if (!scheme.matches()) {
            return Optional.of(path(address));
        }
        return switch (scheme.group(1)) {
            case "file" -> Optional.of(folder(address));
            case "memory" -> Optional.empty();
            case "s3" -> {
                S3Address.parse(address);
                yield Optional.empty();
            }
            default -> throw ofUnknownKind(address);
        };
    }

    private static StoreAddressException ofUnknownKind(String address) {
        return new StoreAddressException("'" + address
                + "' cannot be opened: expected file:/folder, a path, s3://bucket/prefix, or memory:name");
    }

    /** An empty one would be the folder that the process stands in. */
    private static Path path(String address) {
        if (address.isEmpty()) {
            throw new IllegalArgumentException(
                    "the address of the store is empty, expected a folder or s3://bucket/prefix");
        }
        return Path.of(address);
    }

    private static boolean isInMemory(String address) {
        return address.startsWith(MEMORY);
    }

    private static MemoryStore memory(String address) {
        String name = address.substring(MEMORY.length());
        return name.isEmpty() ? new MemoryStore() : IN_MEMORY.computeIfAbsent(name, _ -> new MemoryStore());
    }

    private static Path folder(String address) throws IOException {
        try {
            return FilesInPlace.folder(new URI(address));
        } catch (URISyntaxException e) {
            throw new StoreAddressException("'" + address + "' is no address; a plain path may hold any character", e);
        } catch (IOException e) {
            throw new StoreAddressException(String.valueOf(e.getMessage()), e);
        }
    }
}
