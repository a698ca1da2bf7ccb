package io.millrace.tensors.format.safetensors;

import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Turns the file names of a model folder into paths that cannot lead outside it, by name or by link. A snapshot in Hugging
 * Face's cache has nothing but links: {@code models--X/snapshots/REVISION/config.json} to {@code models--X/blobs/DIGEST},
 * which count as inside.
 */
public final class FolderPaths {
    private final Path folder;
    private final Path realFolder;

    public FolderPaths(Path folder) throws IOException {
        this.folder = folder;
        this.realFolder = folder.toRealPath();
    }

    /** The regular file of this plain name inside the folder. */
    public Path inside(String name) throws IOException {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            throw new MalformedFileException(name, -1, "the file is missing; copy the folder again");
        }
        Path real = file.toRealPath();
        if (!real.startsWith(realFolder)
                && !(inCache()
                        && real.startsWith(realFolder.resolve("../../blobs").normalize()))) {
            throw new MalformedFileException(
                    name,
                    -1,
                    "the file is a link that leads outside its folder, expected the file itself; copy the folder with"
                            + " cp -rL");
        }
        if (!Files.isRegularFile(file)) {
            throw new MalformedFileException(name, -1, "found no regular file of this name, expected one");
        }
        return file;
    }

    private boolean inCache() {
        Path snapshots = realFolder.getParent();
        return snapshots != null && snapshots.endsWith("snapshots");
    }

    /** The shard that an index names for a tensor. */
    Path shard(String name, String tensor) throws IOException {
        if (!plain(name) || !name.endsWith(".safetensors")) {
            throw new MalformedFileException(
                    SafetensorsFolder.INDEX,
                    -1,
                    "tensor '" + tensor + "' is said to be in '" + name
                            + "', expected the plain name of a .safetensors file in the same folder");
        }
        return inside(name);
    }

    private static boolean plain(String name) {
        try {
            return name.indexOf('/') < 0
                    && name.indexOf('\\') < 0
                    && name.indexOf(':') < 0
                    && Path.of(name).getNameCount() == 1
                    && !name.startsWith(".");
        } catch (InvalidPathException _) {
            return false;
        }
    }
}
