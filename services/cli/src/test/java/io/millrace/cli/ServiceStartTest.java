package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
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
}
