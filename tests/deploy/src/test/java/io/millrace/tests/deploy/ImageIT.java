package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.worker.observe.ManagementServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the image is made of, tried without Docker: the folder that it carries, its entry point and its health check. */
final class ImageIT {
    private static final Path DOCKER = Repository.DEPLOY.resolve("docker");

    @TempDir
    Path folder;

    @Test
    void theFolderOfTheImageIsAllThatTheCommandNeeds() throws Exception {
        Path image = folder.resolve("millrace");
        assertThat(run("sh", DOCKER.resolve("assemble").toString(), image.toString()))
                .isEqualTo("0\n");

        String said = run(image.resolve("millrace").toString(), "quantizer", "--help");

        assertThat(said).startsWith("0\n").contains("--management-port");
        assertThat(Files.readString(image.resolve("services/cli/target/classpath.txt")))
                .isEqualTo(image.resolve("lib") + "/*\n");
    }

    /** Whoever restarts containers gets nothing to do from one that lives on without a thread. */
    @Test
    void aConductorWithoutMemoryEndsAndAStageReportsTheJob() throws Exception {
        String launcher = Repository.ROOT.resolve("millrace").toString();
        Map<String, String> showing = Map.of("MILLRACE_JAVA_OPTS", "-XX:+PrintFlagsFinal");

        for (String holder : List.of("conductor", "up", "demo")) {
            assertThat(run(showing, launcher, holder, "--help"))
                    .as(holder)
                    .containsPattern("ExitOnOutOfMemoryError\\s+= true");
            assertThat(run(Map.of("MILLRACE_JAVA_OPTS", "-Xmx6m"), launcher, holder, "--help"))
                    .as("the code that the help and MillraceConductorDown.md speak of")
                    .startsWith("3\n")
                    .contains("Terminating due to java.lang.OutOfMemoryError");
        }
        assertThat(run(showing, launcher, "quantizer", "--help")).containsPattern("ExitOnOutOfMemoryError\\s+= false");
    }

    @Test
    void theHealthCheckSaysWhatTheServiceSays() throws Exception {
        String ready = DOCKER.resolve("ready").toString();
        AtomicBoolean well = new AtomicBoolean(true);
        String port;
        try (ManagementServer server = ManagementServer.start(0, () -> "", () -> true, well::get)) {
            port = Integer.toString(server.port());
            assertThat(run(ready, port)).isEqualTo("0\n");
            well.set(false);
            assertThat(run(ready, port)).isEqualTo("1\n");
        }
        assertThat(run(ready, port)).startsWith("1\n").contains("Connection refused");
    }

    @Test
    void theImageRunsAsNobodyInParticular() throws IOException {
        List<String> lines = Files.readAllLines(DOCKER.resolve("Dockerfile"));

        assertThat(lines.stream().filter(line -> line.startsWith("FROM ")))
                .hasSize(2)
                .allMatch(line -> line.matches("FROM [\\w/.-]+:\\d+\\.\\d+\\.\\d+[\\w.-]*( AS build)?"));
        assertThat(lines).contains("USER 10001:10001", "ENTRYPOINT [\"/opt/millrace/millrace\"]");
    }

    /** Otherwise each new version fetches hundreds of megabytes once more. */
    @Test
    void whatMavenFetchesStaysWithTheBuilder() throws IOException {
        assertThat(Files.readString(DOCKER.resolve("Dockerfile")))
                .containsPattern("RUN --mount=type=cache,target=/root/\\.m2,sharing=locked \\\\\n +mvn ");
        assertThat(Files.readAllLines(Repository.ROOT.resolve(".dockerignore")))
                .contains("**/target", "**/src/test", "deploy/*", "!deploy/docker");
    }

    /** Exit code and output. */
    private String run(String... command) throws IOException, InterruptedException {
        return run(Map.of(), command);
    }

    private String run(Map<String, String> variables, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "run", ".txt");
        ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(List.of(command)))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("MILLRACE_NO_BUILD", "1");
        builder.environment().putAll(variables);
        return builder.start().waitFor() + "\n" + Files.readString(output);
    }
}
