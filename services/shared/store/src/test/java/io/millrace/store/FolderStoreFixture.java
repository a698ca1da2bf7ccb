package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A store in a folder, and the files that its blobs are. */
abstract class FolderStoreFixture {
    @TempDir
    Path temp;

    ArtifactStore store;

    @BeforeEach
    void open() throws IOException {
        store = FolderStore.open(temp.resolve("store"), new UnsyncedDisk());
    }

    Path blob(Digest digest) {
        return temp.resolve("store/blobs").resolve(digest.hex().substring(0, 2)).resolve(digest.hex());
    }
}
