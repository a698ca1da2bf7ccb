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
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The files of a checkpoint's folder, its own and no others: nothing is reached through a symbolic link or a path. A
 * pickle executes code when someone loads it; none is ever opened, and a folder that has its weights only in pickles is
 * refused.
 */
record FolderFiles(Path folder) {
    private static final List<String> PICKLES = List.of(".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt");

    static FolderFiles open(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new NotDirectoryException(folder + " (expected the folder of a checkpoint)");
        }
        FolderFiles files = new FolderFiles(folder.toRealPath());
        if (!files.has(Weights.SINGLE) && !files.has(Weights.INDEX)) {
            files.refusePickles();
        }
        return files;
    }

    private void refusePickles() throws IOException {
        for (String name : names()) {
            if (PICKLES.stream().anyMatch(name.toLowerCase(Locale.ROOT)::endsWith)) {
                throw new RefusedCheckpointException(
                        Reason.MALFORMED_CHECKPOINT,
                        folder.resolve(name)
                                + ": is a pickle, which executes code when it is loaded, and the folder has no "
                                + Weights.SINGLE + "; convert it once, where you trust its source:"
                                + " AutoModelForCausalLM.from_pretrained('" + folder
                                + "').save_pretrained('NEW-FOLDER'), and the tokenizer likewise");
            }
        }
    }

    /** Everything that lies in the folder; a folder's name ends with '/'. */
    SortedSet<String> names() throws IOException {
        SortedSet<String> names = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                names.add(file.getFileName() + (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS) ? "/" : ""));
            }
        }
        return names;
    }

    /** The files of a folder in it whose names end like this, by their path from here. */
    SortedSet<String> namesIn(String inner, String ending) throws IOException {
        SortedSet<String> names = new TreeSet<>();
        if (Files.isDirectory(folder.resolve(inner), LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve(inner), "*" + ending)) {
                files.forEach(file -> names.add(inner + "/" + file.getFileName()));
            }
        }
        return names;
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

    void requireFolder(String name) throws RefusedCheckpointException {
        Path inner = folder.resolve(name);
        if (!Files.isDirectory(inner, LinkOption.NOFOLLOW_LINKS)) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    inner + ": is " + (Files.isSymbolicLink(inner) ? "a symbolic link" : "no folder")
                            + ", expected the folder itself; copy the checkpoint with cp -rL");
        }
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
