package io.millrace.cli;

import io.millrace.events.ArtifactRef;
import io.millrace.events.policy.PolicyInputs;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Manifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;

/** Puts the files that a policy names into the store, each as an artifact of one file. */
record StoredInputs(ArtifactStore store) implements PolicyInputs {
    /** Under a fixed name, so that the same text is the same artifact wherever it lay. */
    @Override
    public ArtifactRef text(Path file) {
        return put(file, "text.txt", "text/plain; charset=utf-8");
    }

    @Override
    public ArtifactRef importance(Path file) {
        return put(file, String.valueOf(file.getFileName()), "application/octet-stream");
    }

    private ArtifactRef put(Path file, String name, String mediaType) {
        try {
            Manifest.Entry entry = new Manifest.Entry(name, Files.size(file), store.put(file), mediaType);
            return store.publish(new Manifest(List.of(entry), new TreeMap<>()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
