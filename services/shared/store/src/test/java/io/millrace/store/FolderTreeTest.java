package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderTreeTest {
    @TempDir
    Path temp;

    @Test
    void theFolderGoesWithAllThatLiesBelowItAndWithNothingElse() throws IOException {
        Path other =
                Files.writeString(Files.createDirectory(temp.resolve("other")).resolve("file"), "stays");
        Path folder = temp.resolve("folder");
        Files.writeString(Files.createDirectories(folder.resolve("a/b")).resolve("file"), "goes");
        Files.createSymbolicLink(folder.resolve("a/link"), other.getParent());

        FolderTree.delete(folder);
        FolderTree.delete(folder);

        assertThat(folder).doesNotExist();
        assertThat(other).hasContent("stays");
    }
}
