package io.millrace.cli.local;

import static java.nio.file.attribute.PosixFilePermission.OWNER_READ;
import static java.nio.file.attribute.PosixFilePermission.OWNER_WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Device;
import io.millrace.events.wire.Topics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StageServicesTest {
    @Test
    void thePasswordsOfKafkaAreTheirOwnersAlone(@TempDir Path folder) throws Exception {
        assumeTrue(
                folder.getFileSystem().supportedFileAttributeViews().contains("posix"),
                "skipped: files have no rights here");
        Files.writeString(folder.resolve("client.properties"), "of an earlier version, for everybody");
        LocalSettings settings = new LocalSettings(
                new Home(folder, Topics.DEFAULT),
                Optional.of("kafka:9093"),
                Map.of("sasl.jaas.config", "secret"),
                Topics.DEFAULT,
                "store",
                List.of(Device.CPU),
                1);

        Path file = StageServices.clientProperties(settings);

        assertThat(Files.getPosixFilePermissions(file)).containsExactlyInAnyOrder(OWNER_READ, OWNER_WRITE);
        assertThat(file).content().contains("sasl.jaas.config=secret").doesNotContain("everybody");
    }
}
