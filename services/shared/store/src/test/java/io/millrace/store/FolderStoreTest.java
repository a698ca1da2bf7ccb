package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.JobKey;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every store promises, of one in a folder, and what its disk may do to it. */
class FolderStoreTest extends WrittenStoreContract {
    @Override
    ArtifactStore create(Path temp) throws IOException {
        return FolderStore.open(temp.resolve("store"), new UnsyncedDisk());
    }

    @Override
    void overwriteResult(JobKey key, String content) throws IOException {
        Files.writeString(temp.resolve("store/results/" + key + ".json"), content);
    }

    @Test
    void leftoversAreDeletedWhenTheyAreADayOld() throws IOException {
        Path fresh = Files.writeString(temp.resolve("store/tmp/fresh.tmp"), "half");
        Path old = Files.writeString(temp.resolve("store/tmp/old.tmp"), "half");
        FileTime yesterday = FileTime.from(Files.getLastModifiedTime(fresh)
                .toInstant()
                .minus(Duration.ofDays(1).plusMinutes(1)));
        Files.setLastModifiedTime(old, yesterday);

        FolderStore.open(temp.resolve("store")).close();

        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
        try (var files = Files.list(temp.resolve("store/tmp"))) {
            assertThat(files).containsExactly(fresh);
        }
    }

    @Test
    void aFullDiskIsSaidAndLeavesNothingBehind() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "skipped: this system has no /dev/full");
        List<Path> created = new ArrayList<>();
        FolderStore full = FolderStore.open(temp.resolve("full"), new Disk() {
            @Override
            FileOutputStream create(Path file) throws IOException {
                Files.writeString(file, "as far as it went");
                created.add(file);
                return new FileOutputStream("/dev/full");
            }
        });

        assertThatThrownBy(() -> full.put(bytes("content")))
                .isInstanceOf(DiskFullException.class)
                .hasMessageEndingWith(": no space left on its disk")
                .hasCauseInstanceOf(IOException.class);
        assertThatThrownBy(() -> full.commit(Samples.result(key("a"), "w"))).isInstanceOf(DiskFullException.class);
        assertThat(created).hasSize(2).allMatch(Files::notExists);
        assertThat(full.result(key("a"))).isEmpty();
    }
}
