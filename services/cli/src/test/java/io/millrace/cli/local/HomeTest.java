package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.wire.Topics;
import io.millrace.worker.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

final class HomeTest {
    private static final long NO_PROCESS = 999_999_999L;

    @TempDir
    Path folder;

    @Test
    void aHomeHasOneHolder() throws Exception {
        Home home = new Home(folder);

        try (FolderLock _ = home.lock()) {
            assertThatThrownBy(home::lock)
                    .isInstanceOf(FolderInUseException.class)
                    .hasMessageContaining("another Millrace uses this folder");
        }
        home.lock().close();
    }

    @Test
    void aHomeThatCannotBeMadeIsNamedWithTheOption() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(new Home(file.resolve("home"))::lock)
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(file.resolve("home").toString())
                .hasMessageContaining("--home");
    }

    @Test
    void aDiskWithoutRoomIsNamedBeforeAnythingIsWritten() throws Exception {
        WritableFolder.requireRoom(folder, 1, "--home");

        assertThatThrownBy(() -> WritableFolder.requireRoom(folder, Long.MAX_VALUE, "--home"))
                .isInstanceOf(StartException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("make room there, or name another folder with --home");
    }

    /** To root every folder can be written, but for those of the kernel. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aHomeThatCannotBeWrittenIsNamedWithTheOption() {
        Path kernels = Path.of("/proc/sys/kernel/random");

        assertThatThrownBy(new Home(kernels)::lock)
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(kernels + ": ")
                .hasMessageEndingWith("name another with --home");
    }

    @Test
    void whatRunsIsFoundUntilItWithdraws() throws Exception {
        Home home = new Home(folder);
        Home.Running running = new Home.Running(
                "127.0.0.1:9092", "/store", ProcessHandle.current().pid());

        home.announce(running);
        assertThat(home.running()).contains(running);

        home.withdraw();
        assertThat(home.running()).isEmpty();
    }

    /** A command that took the usual prefix would speak to another Millrace on the same broker. */
    @Test
    void theTopicsOfWhatRunsAreFoundToo() throws Exception {
        Home.Running running = new Home.Running(
                "127.0.0.1:9092", "/store", ProcessHandle.current().pid());

        new Home(folder, new Topics("second.")).announce(running);

        assertThat(new Home(folder).announcedTopics()).isEqualTo(new Topics("second."));
    }

    @Test
    void theAnnouncementOfADeadProcessCountsForNothing() throws Exception {
        Home home = new Home(folder);

        home.announce(new Home.Running("127.0.0.1:9092", "/store", NO_PROCESS));

        assertThat(home.running()).isEmpty();
    }

    @Test
    @Timeout(60)
    void whatIsStartingIsWaitedFor() throws Exception {
        Home home = new Home(folder);
        Home.Running running = new Home.Running(
                "127.0.0.1:9092", "/store", ProcessHandle.current().pid());
        CompletableFuture<Optional<Home.Running>> found = new CompletableFuture<>();

        try (FolderLock _ = home.lock()) {
            Thread waiting = Thread.ofPlatform().start(() -> {
                try {
                    found.complete(home.awaitRunning());
                } catch (IOException e) {
                    found.completeExceptionally(e);
                }
            });
            while (waiting.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            home.announce(running);

            assertThat(found.get(60, TimeUnit.SECONDS)).contains(running);
        }
    }
}
