package io.millrace.store;

import java.nio.file.Path;

class MemoryStoreTest extends ArtifactStoreContract {
    @Override
    ArtifactStore create(Path temp) {
        return new MemoryStore();
    }
}
