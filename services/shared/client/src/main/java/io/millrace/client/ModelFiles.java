package io.millrace.client;

import io.millrace.events.ModelPublished;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Manifest;
import io.millrace.store.PartialFolder;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Fetches the files of accepted models. */
public final class ModelFiles {
    private ModelFiles() {}

    /**
     * Copies a model's files into a folder, each verified against its digest. The folder appears when all are there and
     * not before, so a server that watches for it never loads half a model.
     *
     * @param folder must not exist, or be empty and no mount point
     */
    public static Path pull(ArtifactStore store, ModelPublished model, Path folder) throws IOException {
        return pull(store, model, folder, ByteProgress.UNWATCHED);
    }

    /** As above; an interrupt ends it, and leaves nothing. What a killed one left, the next into the same folder removes. */
    public static Path pull(ArtifactStore store, ModelPublished model, Path folder, ByteProgress progress)
            throws IOException {
        Path target = target(folder);
        Manifest manifest = store.manifest(model.artifact());
        Files.createDirectories(target.resolveSibling(""));
        PartialFolder partial = PartialFolder.of(target)
                .orElseThrow(() ->
                        new IOException(folder + ": another pull fills it; wait for that one, or name another folder"));
        CountedBytes copied = new CountedBytes(manifest.sizeBytes(), progress);
        try (partial) {
            for (Manifest.Entry entry : manifest.files()) {
                Path file = partial.files().resolve(entry.name());
                Files.createDirectories(file.resolveSibling(""));
                try (InputStream in = store.open(entry.sha256());
                        OutputStream out = copied.to(Files.newOutputStream(file))) {
                    in.transferTo(out);
                }
            }
            Files.move(partial.files(), target, StandardCopyOption.REPLACE_EXISTING);
            return folder;
        } catch (DirectoryNotEmptyException e) {
            throw new IOException(folder + ": is not empty; name a new folder for each version", e);
        }
    }

    /** What is to be replaced when all is there: never a link, but what it leads to. */
    private static Path target(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return folder.toAbsolutePath().normalize();
        }
        Path target = folder.toRealPath();
        Path above = target.getParent();
        if (above == null || !Files.getFileStore(above).equals(Files.getFileStore(target))) {
            throw new IOException(
                    folder + ": a disk is mounted there, which cannot be replaced by a folder that appears at"
                            + " once; name a new folder below it");
        }
        return target;
    }
}
