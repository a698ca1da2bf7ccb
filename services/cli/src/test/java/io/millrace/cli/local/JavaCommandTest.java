package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JavaCommandTest {
    @TempDir
    Path logs;

    /** As one that the launcher starts: a stage that ended would be called lost, and nobody told what to do. */
    @Test
    void aStageWithoutMemoryLivesOnAndReportsTheJob() throws Exception {
        JavaCommand command = new JavaCommand(
                "flags", "io.millrace.cli.Main", List.of("-XX:+PrintFlagsFinal", "-version"), List.of());

        assertThat(command.start(logs).waitFor()).isZero();

        assertThat(command.log(logs)).content().containsPattern("ExitOnOutOfMemoryError\\s+= false");
    }
}
