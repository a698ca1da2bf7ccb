package io.millrace.store;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/** The files of a folder that becomes an artifact. */
public final class FolderListing {
    private FolderListing() {}

    /** Every regular file below the folder by its relative name with '/'; anything that is no file or folder is refused. */
    public static SortedMap<String, Path> of(Path folder) throws IOException {
        SortedMap<String, Path> files = new TreeMap<>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!attributes.isRegularFile()) {
                    throw new IOException(file + ": found "
                            + (attributes.isSymbolicLink() ? "a symbolic link" : "something that is no regular file")
                            + ", expected regular files only; put the file itself there");
                }
                files.put(name(folder, file), file);
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }

    static String mediaType(String name) {
        return switch (name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT)) {
            case "json" -> "application/json";
            case "txt", "md", "jinja" -> "text/plain";
            case "csv" -> "text/csv";
            case "html" -> "text/html";
            default -> "application/octet-stream";
        };
    }

    private static String name(Path folder, Path file) {
        StringBuilder name = new StringBuilder();
        for (Path part : folder.relativize(file)) {
            name.append(name.isEmpty() ? "" : "/").append(part);
        }
        return name.toString();
    }
}
