package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Device;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class LocalModeIT {
    private static final Duration NONE = Duration.ZERO;

    @TempDir
    private Path folder;

    @Test
    @Timeout(240)
    void aConductorThatIsLateIsStartedOnceMoreWithItsBroker() throws Exception {
        try (LocalMode local = LocalMode.start(settings(), LocalModeIT::fail, List.of(NONE, Duration.ofSeconds(120)));
                Admin admin = Admin.create(Map.of("bootstrap.servers", local.kafka()))) {
            assertThat(admin.listTopics().names().get()).contains(Topics.DEFAULT.checkpoints());
            assertThat(local.servicePids().values())
                    .hasSize(4)
                    .allMatch(pid -> ProcessHandle.of(pid).isPresent());
        }
        assertThat(folder.resolve("logs/millrace.log")).content().containsOnlyOnce("is started once more");
    }

    @Test
    @Timeout(240)
    void oneThatIsLateEachTimeIsToldAndNothingIsLeft() throws Exception {
        assertThatThrownBy(() -> LocalMode.start(settings(), LocalModeIT::fail, List.of(NONE, NONE)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("did not start within 0 s")
                .hasMessageContaining("millrace.log");

        try (FolderLock lock = new Home(folder).lock()) {
            assertThat(lock.channel().isOpen()).isTrue();
        }
        assertThat(ProcessHandle.current().children().filter(ProcessHandle::isAlive))
                .isEmpty();
    }

    private LocalSettings settings() {
        return new LocalSettings(
                new Home(folder),
                Optional.empty(),
                Map.of(),
                Topics.DEFAULT,
                folder.resolve("store").toString(),
                List.of(Device.CPU),
                1);
    }

    private static void fail(String message) {
        throw new AssertionError(message);
    }
}
