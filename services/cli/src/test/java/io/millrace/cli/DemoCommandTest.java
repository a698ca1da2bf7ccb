package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {
    /** A policy of that name is anybody's. */
    @Test
    void aFolderThatNoDemoMadeIsLeftAsItIs(@TempDir Path folder) throws Exception {
        Path policy = Files.writeString(folder.resolve("policy.yaml"), "policy: mine");
        Path lock = Files.writeString(folder.resolve("lock"), "mine");

        Said said = Said.to("demo", "--home", folder.toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains(folder.toString(), "made-by-demo", "name another --home");
        assertThat(policy).hasContent("policy: mine");
        assertThat(lock).hasContent("mine");
    }
}
