package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What keeps a service from starting here is said with its place and its remedy, and ends with the code for that. */
final class ServiceStartTest {
    /** A device that refuses every byte as a full disk does. */
    private static final Path FULL = Path.of("/dev/full");

    @TempDir
    Path folder;

    @Test
    void aFullDiskIsNamedWithTheHomeOnIt() throws IOException {
        assumeThat(FULL).exists();
        Files.createSymbolicLink(folder.resolve("lock"), FULL);

        Said said = Said.to("up", "--home", folder.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(said.err())
                .contains("the disk of " + folder + " is full (No space left on device); make room there, or name"
                        + " another folder with --home");
    }

    @Test
    void aHomeThatCannotBeMadeIsTheMachinesFault() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        Said said = Said.to("up", "--home", file.resolve("home").toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(said.err()).contains(file.resolve("home") + ": this folder cannot be made");
    }

    @Test
    @Timeout(120)
    void anAddressThatNoStoreHasIsAMistakeOfTheCommandLine() {
        String home = folder.resolve("home").toString();
        String work = folder.resolve("work").toString();

        for (String address : List.of("gs://bucket/models", "s3://NO_BUCKET/models")) {
            for (Said said : List.of(
                    Said.to("up", "--home", home, "--store", address),
                    Said.to("store", "verify", "--home", home, "--store", address),
                    Said.to("quantizer", "--kafka", "127.0.0.1:1", "--store", address, "--work-folder", work))) {
                assertThat(said.err()).contains("'" + address + "'", "expected", "s3://bucket/prefix");
                assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.USAGE);
            }
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aKafkaSettingThatNoClientTakesIsAMistakeOfTheCommandLine() throws IOException {
        String settings = Files.writeString(folder.resolve("kafka.properties"), "security.protocol=SLS\n")
                .toString();
        String store = folder.resolve("store").toString();

        for (Said said : List.of(
                Said.to("runs", "--kafka", "127.0.0.1"),
                Said.to("conductor", "--kafka", "127.0.0.1:1", "--kafka-config", settings),
                Said.to("quantizer", "--kafka", "127.0.0.1:1", "--kafka-config", settings, "--store", store))) {
            assertThat(said.err()).contains("Kafka's clients cannot be set up so: Invalid");
            assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.USAGE);
        }
    }
}
