package io.millrace.client;

import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The files of a checkpoint's folder, its own and no others: nothing is reached through a symbolic link or a path, and a
 * pickle, which executes code when someone loads it, is refused at sight.
 */
record FolderFiles(Path folder) {
    private static final List<String> PICKLES = List.of(".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt");

    static FolderFiles open(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new NotDirectoryException(folder + " (expected the folder of a checkpoint)");
        }
        Path real = folder.toRealPath();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(real)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
                if (PICKLES.stream().anyMatch(name::endsWith)) {
                    throw new RefusedCheckpointException(
                            Reason.MALFORMED_CHECKPOINT,
                            file + ": a pickle executes code when it is loaded; expected .safetensors, save the model"
                                    + " with safe_serialization=True into a folder of its own");
                }
            }
        }
        return new FolderFiles(real);
    }

    static boolean isPlainName(String name) {
        return !name.isEmpty()
                && !name.equals(".")
                && !name.equals("..")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ');
    }

    boolean has(String name) {
        return Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS);
    }

    Path require(String name) throws IOException {
        Path file = folder.resolve(name);
        if (!has(name)) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT, file + ": is missing; a checkpoint has it, copy the folder again");
        }
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": is " + (Files.isSymbolicLink(file) ? "a symbolic link" : "no regular file")
                            + ", expected the file itself; copy the folder with cp -rL");
        }
        return file;
    }
}
