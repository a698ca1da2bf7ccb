package io.millrace.store;

import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** A share that is unmounted leaves an empty folder, and a process that begins there makes a store of it. */
class FolderIdentityTest extends FolderStoreFixture {
    /** It has none, then it has one: nobody is to take that for another store. */
    @Test
    void aNewStoreIsNoOtherStoreForWhoLooksWhileItGetsItsIdentity() throws Exception {
        Disk unsynced = new Disk() {
            @Override
            void syncFolder(Path folder) {}
        };
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            for (int round = 0; round < 300; round++) {
                Path root = Files.createDirectories(temp.resolve("round-" + round));
                FolderIdentity identity = FolderIdentity.open(root, unsynced, new TempFiles(root, unsynced));
                AtomicBoolean written = new AtomicBoolean();
                Future<?> looking = threads.submit(() -> {
                    while (!written.get()) {
                        identity.hold();
                    }
                    return null;
                });

                identity.holdWritten();

                written.set(true);
                looking.get();
            }
        }
    }

    @Test
    void nothingIsReportedOfAnotherStoreThatStandsInThePlace() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        JobResult done = Samples.result(key("done"), "w");
        store.commit(done);
        unmount();
        FolderStore.open(root()).commit(Samples.result(key("b"), "another process"));

        List<ThrowingCallable> reports = List.of(
                () -> store.put(new byte[] {1}),
                () -> store.put(Files.writeString(temp.resolve("file"), "content")),
                () -> store.put(Files.writeString(temp.resolve("file"), "content"), _ -> {}),
                () -> store.publishFolder(Samples.folder(temp.resolve("model")), new TreeMap<>()),
                () -> store.commit(Samples.result(key("a"), "w")),
                () -> store.commit(Samples.result(key("b"), "w")),
                () -> store.result(key("done")),
                () -> store.dropResult(done),
                () -> store.dropUnreadableResult(key("done")));
        for (ThrowingCallable report : reports) {
            assertThatThrownBy(report)
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageContainingAll(root().toString(), "holds the store ", "is the share mounted");
        }
        assertThatThrownBy(() -> store.isComplete(artifact)).isInstanceOf(StoreUnreachableException.class);

        mount();
        assertThat(store.result(key("done"))).contains(done);
        assertThat(store.isComplete(artifact)).isTrue();
        assertThat(store.commit(Samples.result(key("a"), "w"))).isInstanceOf(Commit.Won.class);
    }

    @Test
    void aStoreThatNobodyWroteToIsNotTakenForTheOneThatWasThere() throws IOException {
        store.put(new byte[] {1});
        unmount();
        FolderStore.open(root());

        assertThatThrownBy(() -> store.put(new byte[] {2}))
                .isInstanceOf(StoreUnreachableException.class)
                .hasMessageContaining("holds no store");
    }

    @Test
    void aProcessThatBeganBeforeTheShareWasMountedTakesTheStoreThatIsThere() throws IOException {
        store.put(new byte[] {1});
        unmount();
        FolderStore early = FolderStore.open(root());
        mount();

        Digest blob = early.put(new byte[] {2});

        assertThat(store.contains(blob)).isTrue();
        assertThat(store.put(new byte[] {3})).isEqualTo(early.put(new byte[] {3}));
    }

    @Test
    void allWhoWriteFirstAgreeOnOneIdentity() throws IOException {
        FolderStore second = FolderStore.open(root());
        store.put(new byte[] {1});
        String identity = Files.readString(root().resolve("store-id"));

        second.put(new byte[] {2});
        FolderStore.open(root()).put(new byte[] {3});

        store.put(new byte[] {4});
        second.put(new byte[] {5});
        assertThat(root().resolve("store-id")).hasContent(identity);
    }

    private Path root() {
        return temp.resolve("store");
    }

    private void unmount() throws IOException {
        Files.move(root(), temp.resolve("the share"));
        Files.createDirectory(root());
    }

    private void mount() throws IOException {
        Files.move(root(), temp.resolve("the mount point"));
        Files.move(temp.resolve("the share"), root());
    }
}
