package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PartialFolderTest {
    @TempDir
    private Path folder;

    @Test
    void oneAtATimeFillsIt() throws IOException {
        Path target = folder.resolve("model");
        try (PartialFolder first = PartialFolder.of(target).orElseThrow()) {
            Files.writeString(first.files().resolve("weights"), "half");

            assertThat(PartialFolder.of(target)).isEmpty();
            assertThat(PartialFolder.of(folder.resolve("other")).map(PartialFolderTest::closed))
                    .contains(true);
            assertThat(first.files().resolve("weights")).hasContent("half");
        }
        assertThat(folder).isEmptyDirectory();
        assertThat(PartialFolder.of(target).map(PartialFolderTest::closed)).contains(true);
    }

    @Test
    void whatAKilledProcessLeftIsClearedAway() throws IOException {
        Path left = folder.resolve(".model.partial");
        Files.createDirectories(left.resolve("files/sub"));
        Files.writeString(left.resolve("files/sub/weights"), "half");
        Files.writeString(left.resolve("lock"), "");

        try (PartialFolder next = PartialFolder.of(folder.resolve("model")).orElseThrow()) {
            assertThat(next.files()).isEmptyDirectory();
            Files.move(next.files(), folder.resolve("model"));
        }

        assertThat(folder.resolve("model")).isEmptyDirectory();
        assertThat(left).doesNotExist();
    }

    private static boolean closed(PartialFolder partial) {
        try {
            partial.close();
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
