package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file of a compressed model is the same bytes wherever it is made: here with other vectors and another number of
 * threads, and on the machine whose Java {@code -Dmillrace.other-java} names, which may be an emulated one.
 */
final class OtherMachineTest {
    private static final String OTHER_JAVA = System.getProperty("millrace.other-java", "");
    private static final List<String> FEW = List.of("gguf:Q4_K_M", "compressed-tensors:W4A16", "onnx:int4");
    private static final List<String> MANY = List.of(
            "gguf:Q2_K",
            "gguf:Q3_K_M",
            "gguf:Q4_K_M",
            "gguf:Q5_K_M",
            "gguf:Q6_K",
            "gguf:Q8_0",
            "gguf:Q4_0",
            "gguf:Q5_1",
            "gguf:IQ4_XS",
            "gguf:IQ4_NL",
            "gguf:TQ2_0",
            "compressed-tensors:W4A16",
            "compressed-tensors:W4A16_ASYM",
            "compressed-tensors:W8A8",
            "compressed-tensors:FP8_DYNAMIC",
            "compressed-tensors:FP8_BLOCK",
            "compressed-tensors:MXFP4",
            "compressed-tensors:NVFP4A16",
            "onnx:int4",
            "onnx:int8");
    private static final int PATIENCE_MINUTES = 60;

    @TempDir
    private static Path shared;

    private static Path model = Path.of("");

    @TempDir
    private Path folder;

    @BeforeAll
    static void writeAModel() throws IOException {
        model = RandomModel.write(shared.resolve("model"));
    }

    @Test
    void narrowVectorsAndOneThreadMakeTheSameBytes() throws Exception {
        String own = Path.of(System.getProperty("java.home"), "bin", "java").toString();

        assertThat(elsewhere(List.of(own, "-Dmillrace.vector-bits=128"), FEW)).isEqualTo(here(FEW));
    }

    @Test
    void anotherMachineMakesTheSameBytes() throws Exception {
        String reason = "skipped: -Dmillrace.other-java names no Java 25 of another machine";
        if (OTHER_JAVA.isEmpty()) {
            System.out.println(getClass().getSimpleName() + " " + reason);
        }
        assumeTrue(!OTHER_JAVA.isEmpty(), reason);

        assertThat(elsewhere(List.of(OTHER_JAVA), MANY)).isEqualTo(here(MANY));
    }

    private Map<String, Digest> here(List<String> targets) throws IOException {
        Path out = folder.resolve("here");
        List<String> arguments = new ArrayList<>(arguments(targets, out));
        arguments.addAll(List.of("--threads", "2"));

        Said said = Said.to(arguments.toArray(String[]::new));

        assertThat(said.exitCode()).as(said.err()).isZero();
        return digests(out);
    }

    private Map<String, Digest> elsewhere(List<String> java, List<String> targets) throws Exception {
        Path out = folder.resolve("elsewhere");
        Path log = folder.resolve("elsewhere.log");
        List<String> command = new ArrayList<>(java);
        command.addAll(List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
        command.add(Main.class.getName());
        command.addAll(arguments(targets, out));
        command.addAll(List.of("--threads", "1"));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        Process process = builder.start();
        try {
            assertThat(process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES))
                    .as("ended within " + PATIENCE_MINUTES + " minutes")
                    .isTrue();
            assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        } finally {
            process.destroyForcibly().waitFor();
        }
        return digests(out);
    }

    private static List<String> arguments(List<String> targets, Path out) {
        List<String> arguments = new ArrayList<>(List.of("compress", model.toString(), "-o", out.toString()));
        targets.forEach(target -> arguments.addAll(List.of("--to", target)));
        return arguments;
    }

    private static Map<String, Digest> digests(Path out) throws IOException {
        Map<String, Digest> digests = new TreeMap<>();
        try (Stream<Path> files = Files.walk(out)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                digests.put(out.relativize(file).toString(), Digest.of(Files.readAllBytes(file)));
            }
        }
        assertThat(digests).isNotEmpty();
        return digests;
    }
}
