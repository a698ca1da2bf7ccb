package io.millrace.tests.pipeline;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.store.ArtifactStore;
import io.millrace.store.FolderStore;
import io.millrace.store.JobResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A store's folder to which a test does what otherwise takes weeks. */
record AgedStore(Path folder) {
    /** A result that no run knows, with its artifact. */
    JobResult addGarbage() throws IOException {
        try (FolderStore store = FolderStore.open(folder)) {
            return addGarbage(store, folder.resolveSibling("garbage"));
        }
    }

    /** As {@link #addGarbage()}, by way of a store that has its files in such a folder. */
    static JobResult addGarbage(ArtifactStore store, Path scratch) throws IOException {
        Path output = Files.createDirectories(scratch);
        Files.writeString(output.resolve("weights.bin"), "of a run that is long forgotten");
        ArtifactRef artifact = store.publishFolder(output, new TreeMap<>());
        JobKey key = new JobKey(Digest.of("forgotten"));
        return store.commit(new JobResult(key, artifact, 31, List.of(), new Cost(Duration.ZERO, 0, 31), "nobody"))
                .standing();
    }

    boolean holds(JobResult result) throws IOException {
        try (FolderStore store = FolderStore.open(folder)) {
            return store.result(result.key()).isPresent() || store.isComplete(result.output());
        }
    }

    /** Makes every result and blob so much older. */
    void age(Duration by) throws IOException {
        for (String part : List.of("blobs", "results")) {
            try (Stream<Path> files = Files.walk(folder.resolve(part))) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    FileTime time = Files.getLastModifiedTime(file);
                    Files.setLastModifiedTime(
                            file, FileTime.from(time.toInstant().minus(by)));
                }
            }
        }
    }

    /** Deletes the blob of this content. */
    Path lose(byte[] content) throws IOException {
        String hex = Digest.of(content).hex();
        Path blob = folder.resolve("blobs").resolve(hex.substring(0, 2)).resolve(hex);
        Files.delete(blob);
        return blob;
    }
}
