package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class StageCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void helpShowsAnExampleAndTheExitCodes() {
        assertThat(run("--help")).isZero();

        assertThat(out.toString())
                .contains("Example:", "pruner --kafka broker:9092 --store /srv/millrace", "Exit codes:");
        assertThat(out.toString()).contains("'prune'");
    }

    @Test
    void storeIsRequired() {
        assertThat(run("--kafka", "nowhere:1")).isEqualTo(2);

        assertThat(err.toString()).contains("--store");
    }

    @Test
    void valueThatMakesNoSenseIsNamed() {
        assertThat(run("--store", "memory:", "--devices", "GPU!")).isEqualTo(2);
        assertThat(err.toString()).contains("'GPU!' is not a device class");

        assertThat(run("--store", "memory:", "--management-port", "99999")).isEqualTo(2);
        assertThat(err.toString()).contains("99999");

        assertThat(run("--store", "memory:", "--slots", "0")).isEqualTo(2);
        assertThat(err.toString()).contains("--slots is 0, expected 1 to 64");
    }

    @Test
    void configFileThatIsNotThereIsNamed() {
        assertThat(run("--store", "memory:", "--kafka-config", "no-such.properties"))
                .isEqualTo(2);

        assertThat(err.toString()).contains("no-such.properties");
    }

    @Test
    void storeThatCannotBeOpenedIsToldBeforeKafkaIsWaitedFor(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "no folder");

        assertThat(run("--kafka", "127.0.0.1:1", "--store", file.toString(), "--work-folder", folder.toString()))
                .isEqualTo(4);

        assertThat(err.toString()).contains(file.toString()).doesNotContain("Kafka");
    }

    private int run(String... arguments) {
        CommandLine line = StageCommand.command(List.of(new FakeStage((input, workspace) -> {})), "pruner");
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(arguments);
    }
}
