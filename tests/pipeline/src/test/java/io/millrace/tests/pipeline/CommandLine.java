package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The {@code millrace} command in a process of its own, as the launcher starts it.
 *
 * @param launcher a command that starts it, or nothing
 */
record CommandLine(Path home, List<String> launcher) {
    private static final long LONGEST_SECONDS = 120;
    /** What only asks or tells something runs in this process, which saves a JVM's start for each. */
    private static final Set<String> HERE = Set.of(
            "policy",
            "publish",
            "runs",
            "show",
            "models",
            "pull",
            "retry",
            "cancel",
            "dead-letters",
            "topics",
            "store");

    private static final Set<String> WITH_VECTORS =
            Set.of("pruner", "distiller", "quantizer", "benchmarker", "compress", "dequantize");

    CommandLine(Path home) {
        this(home, List.of());
    }

    /** What a command said. */
    record Said(int exitCode, String out, String err) {
        JsonNode json() throws IOException {
            return new ObjectMapper().readTree(out);
        }
    }

    /** Runs a command on this home and expects it to succeed. */
    JsonNode json(String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--output", "json"));
        Said said = run(all.toArray(String[]::new));
        assertThat(said.exitCode())
                .as("millrace %s: %s", String.join(" ", all), said.err())
                .isZero();
        return said.json();
    }

    Said run(String... arguments) throws Exception {
        return said(onHome(arguments));
    }

    /** Runs a command that knows no home: a stage service by itself. */
    Said runElsewhere(String... arguments) throws Exception {
        return said(List.of(arguments));
    }

    private Said said(List<String> arguments) throws Exception {
        return launcher.isEmpty() && HERE.contains(arguments.getFirst()) ? here(arguments) : elsewhere(arguments);
    }

    private static Said here(List<String> arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        picocli.CommandLine line =
                Main.commandLine(Map.of()).setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int exitCode = line.execute(arguments.toArray(String[]::new));
        return new Said(exitCode, out.toString(), err.toString());
    }

    private Said elsewhere(List<String> arguments) throws Exception {
        Path out = Files.createTempFile(home.getParent(), "out", ".txt");
        Path err = Files.createTempFile(home.getParent(), "err", ".txt");
        Process process = start(out, err, arguments);
        try {
            assertThat(process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS))
                    .as("'millrace %s' ends within %d s", String.join(" ", arguments), LONGEST_SECONDS)
                    .isTrue();
            return new Said(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            process.destroyForcibly();
        }
    }

    Process start(Path out, Path err, String... arguments) throws IOException {
        return start(out, err, onHome(arguments));
    }

    private List<String> onHome(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--home", home.toString()));
        return all;
    }

    private Process start(Path out, Path err, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(launcher);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (WITH_VECTORS.contains(arguments.getFirst())) {
            command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        }
        command.addAll(List.of(
                "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow", "io.millrace.cli.Main"));
        command.addAll(arguments);
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        // Read by this process and by all that it starts. None lives long enough for the optimizing compiler, which
        // would take two thirds of the processor time of 'up'.
        builder.environment().put("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
        return builder.start();
    }
}
