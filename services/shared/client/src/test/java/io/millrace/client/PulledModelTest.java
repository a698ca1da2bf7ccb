package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Digest;
import io.millrace.events.ModelPublished;
import io.millrace.store.DamagedFileException;
import io.millrace.store.FolderStore;
import io.millrace.store.PartialFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The files of a model, from the store into a folder. */
class PulledModelTest extends ModelFixture {
    @Test
    void aModelIsPulledWholeOrNotAtAll() throws Exception {
        FolderStore store = FolderStore.open(temp.resolve("store"));
        Path made = Files.createDirectories(temp.resolve("made"));
        Files.writeString(made.resolve("model.gguf"), "weights");
        Files.writeString(Files.createDirectories(made.resolve("sub")).resolve("report.json"), "{}");
        ModelPublished model = model("v1", "phone", store.publishFolder(made, new TreeMap<>()));

        Path killed = Files.createDirectories(temp.resolve("models/.v1.partial/files"));
        Files.writeString(killed.resolve("model.gguf"), "wei");

        Path pulled = ModelFiles.pull(store, model, temp.resolve("models/v1"));

        assertThat(pulled.resolve("model.gguf")).hasContent("weights");
        assertThat(pulled.resolve("sub/report.json")).hasContent("{}");
        assertThatThrownBy(() -> ModelFiles.pull(store, model, pulled))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not empty");
        try (PartialFolder other = PartialFolder.of(temp.resolve("models/v2")).orElseThrow()) {
            assertThatThrownBy(() -> ModelFiles.pull(store, model, temp.resolve("models/v2")))
                    .hasMessageContaining("another pull fills it");
            assertThat(other.files()).exists();
        }

        String digest = Digest.of("weights").hex();
        Path blob = temp.resolve("store/blobs").resolve(digest.substring(0, 2)).resolve(digest);
        Files.delete(blob);
        Files.writeString(blob, "WEIGHTS");
        assertThatThrownBy(() -> ModelFiles.pull(store, model, temp.resolve("models/v2")))
                .isInstanceOf(DamagedFileException.class);
        try (var left = Files.list(temp.resolve("models"))) {
            assertThat(left).containsExactly(pulled);
        }
    }

    @Test
    void whoeverWatchesAPullSeesEachByteAndMayStopIt() throws Exception {
        FolderStore store = FolderStore.open(temp.resolve("store"));
        Path made = Files.createDirectories(temp.resolve("made"));
        Files.writeString(made.resolve("model.gguf"), "weights");
        Files.writeString(made.resolve("report.json"), "{}");
        ModelPublished model = model("v1", "phone", store.publishFolder(made, new TreeMap<>()));
        Path models = Files.createDirectory(temp.resolve("models"));
        List<Long> seen = new ArrayList<>();

        Path pulled = ModelFiles.pull(store, model, models.resolve("v1"), (done, total) -> {
            assertThat(total).isEqualTo(9);
            seen.add(done);
        });

        assertThat(seen).containsExactly(7L, 9L);
        assertThat(Files.getPosixFilePermissions(pulled)).isEqualTo(Files.getPosixFilePermissions(models));

        assertThatThrownBy(() -> ModelFiles.pull(
                        store,
                        model,
                        models.resolve("v2"),
                        (_, _) -> Thread.currentThread().interrupt()))
                .isInstanceOf(IOException.class);
        assertThat(Thread.interrupted()).isTrue();
        try (var left = Files.list(models)) {
            assertThat(left).containsExactly(pulled);
        }
    }

    @Test
    void anEmptyFolderIsFilledHoweverItIsNamed() throws Exception {
        FolderStore store = FolderStore.open(temp.resolve("store"));
        Path made = Files.createDirectories(temp.resolve("made"));
        Files.writeString(made.resolve("model.gguf"), "weights");
        ModelPublished model = model("v1", "phone", store.publishFolder(made, new TreeMap<>()));
        Path here = Files.createDirectories(temp.resolve("here"));
        Path elsewhere = Files.createDirectories(temp.resolve("elsewhere"));
        Path link = Files.createSymbolicLink(temp.resolve("link"), elsewhere);

        ModelFiles.pull(store, model, here.resolve("."));
        ModelFiles.pull(store, model, link);

        assertThat(here.resolve("model.gguf")).hasContent("weights");
        assertThat(link).isSymbolicLink();
        assertThat(elsewhere.resolve("model.gguf")).hasContent("weights");
        assertThatThrownBy(() -> ModelFiles.pull(store, model, link)).hasMessageContaining("is not empty");
    }

    @Test
    void aMountPointIsRefusedBeforeAnythingIsFetched() throws Exception {
        Path mounted = Path.of("/proc");
        assumeTrue(Files.isDirectory(mounted), "skipped: nothing is known to be mounted here");
        FolderStore store = FolderStore.open(temp.resolve("store"));
        Path made = Files.createDirectories(temp.resolve("made"));
        Files.writeString(made.resolve("model.gguf"), "weights");
        ModelPublished model = model("v1", "phone", store.publishFolder(made, new TreeMap<>()));

        assertThatThrownBy(() -> ModelFiles.pull(store, model, mounted))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("/proc: a disk is mounted there")
                .hasMessageContaining("name a new folder below it");
    }
}
