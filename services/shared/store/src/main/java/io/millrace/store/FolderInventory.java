package io.millrace.store;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** What lies in the folder of a {@link FolderStore}. Names that Millrace does not give are left alone. */
final class FolderInventory implements Inventory {
    private final Path root;
    private final BlobFolder blobs;
    private final TempFiles temps;

    FolderInventory(Path root, BlobFolder blobs, TempFiles temps) {
        this.root = root;
        this.blobs = blobs;
        this.temps = temps;
    }

    private record Found(String name, long sizeBytes, Duration age) {}

    private List<Found> files(Path folder) throws IOException {
        Instant now = temps.now();
        List<Found> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            for (Path file : stream) {
                look(file, now).ifPresent(files::add);
            }
        }
        files.sort(Comparator.comparing(Found::name));
        return files;
    }

    private static Optional<Found> look(Path file, Instant now) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Duration age = Duration.between(attributes.lastModifiedTime().toInstant(), now);
            return attributes.isRegularFile()
                    ? Optional.of(new Found(String.valueOf(file.getFileName()), attributes.size(), age))
                    : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    @Override
    public void blobs(Visitor visitor) throws IOException, InterruptedException {
        List<Path> folders;
        try (var stream = Files.list(root.resolve("blobs"))) {
            folders = stream.filter(Files::isDirectory).sorted().toList();
        }
        for (Path folder : folders) {
            for (Found file : files(folder)) {
                Optional<Digest> digest = StoredNames.blob(String.valueOf(folder.getFileName()), file.name());
                if (digest.isPresent()) {
                    visitor.visit(new Blob(digest.get(), file.sizeBytes(), file.age()));
                }
            }
        }
    }

    @Override
    public List<Result> results() throws IOException {
        List<Result> results = new ArrayList<>();
        for (Found file : files(root.resolve("results"))) {
            StoredNames.key(file.name()).ifPresent(key -> results.add(new Result(key, file.age())));
        }
        return results;
    }

    @Override
    public List<JobKey> claims() throws IOException {
        return files(root.resolve("claims")).stream()
                .flatMap(file -> StoredNames.key(file.name()).stream())
                .toList();
    }

    @Override
    public List<Leftover> leftovers() throws IOException {
        return files(root.resolve("tmp")).stream()
                .map(file ->
                        new Leftover(root.resolve("tmp").resolve(file.name()).toString(), file.age()))
                .toList();
    }

    @Override
    public List<Blob> delete(List<Blob> condemned, Duration grace) throws IOException {
        List<Blob> deleted = new ArrayList<>();
        for (Blob blob : condemned) {
            if (blobs.delete(blob.digest(), grace)) {
                deleted.add(blob);
            }
        }
        return deleted;
    }

    @Override
    public String place(Digest blob) {
        return blobs.path(blob).toString();
    }

    @Override
    public String place(JobKey key) {
        return root.resolve("results").resolve(key + ".json").toString();
    }
}
