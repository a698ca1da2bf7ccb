package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineChecksTest {
    @TempDir
    Path folder;

    @Test
    void aStoreOnTheDiskOfTheHomeOrOnNoneIsNotLookedAtTwice() throws IOException {
        Path home = folder.resolve("not/made/yet");

        assertThat(MachineChecks.storeDisk(folder.toString(), home)).isEmpty();
        assertThat(MachineChecks.storeDisk("s3://bucket/prefix", home)).isEmpty();
    }

    @Test
    void aStoreOnAnotherDiskHasItsRoomTold() throws IOException {
        Path other = Path.of("/dev/shm");
        assumeTrue(
                Files.isDirectory(other) && !Files.getFileStore(other).equals(Files.getFileStore(folder)),
                "no second file system at " + other);

        assertThat(MachineChecks.storeDisk(other.toString(), folder))
                .hasValueSatisfying(finding -> assertThat(finding.found()).contains(" free at " + other));
    }
}
