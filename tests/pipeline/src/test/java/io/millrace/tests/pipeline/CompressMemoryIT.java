package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code millrace compress} as the launcher starts it, on a checkpoint that is many times what it may hold, of a large vocabulary. With {@code
 * -Dmillrace.checkpoint.gib=30} on one of that size.
 */
final class CompressMemoryIT {
    private static final long SEED = 11;
    private static final long GIB = Long.getLong("millrace.checkpoint.gib", 3);
    private static final long LIMIT_MIB = 256;
    private static final long SAMPLE_MILLIS = 20;
    private static final long PATIENCE_SECONDS = 120 * GIB;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void writeTheCheckpoint() throws IOException {
        Path status = Path.of("/proc/self/status");
        assumeTrue(Files.isReadable(status), "skipped: memory is read from " + status + ", which is not there");
        long free = Files.getFileStore(folder).getUsableSpace() >> 30;
        assumeTrue(free >= 2 * GIB, "skipped: %d GiB free in %s, %d needed".formatted(free, folder, 2 * GIB));
        System.out.println("seed " + SEED);
        Path checkpoint = folder.resolve("checkpoint");
        long weightBytes = LargeCheckpoint.writeOfSize(checkpoint, SEED, GIB << 30);
        Files.writeString(
                checkpoint.resolve("tokenizer_config.json"), "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}");
        System.out.printf("%d MiB of weights%n", weightBytes >> 20);
    }

    /** Each writer, and of one two files, which must not hold more than one. */
    @ParameterizedTest
    @ValueSource(strings = {"gguf:Q4_K_M gguf:Q4_0", "compressed-tensors:FP8_DYNAMIC", "onnx:int4"})
    @Tag("promise-5")
    @DisplayName("Promise 5: memory stays bounded, whatever the checkpoint's size")
    void compressHoldsAQuarterOfAGibibyte(String targets) throws Exception {
        Path out = folder.resolve("out");
        Path errors = folder.resolve("err.txt");

        Process process = compress(folder.resolve("checkpoint"), targets, out, errors);
        long peakMib = peakMib(process);

        assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
        System.out.printf("compress to %s: %d MiB held at most (limit %d)%n", targets, peakMib, LIMIT_MIB);
        assertThat(peakMib).isBetween(1L, LIMIT_MIB);
        delete(out);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** RssAnon + RssShmem: pages of mapped files do not count, for they are the system's. */
    private static long peakMib(Process process) throws IOException, InterruptedException {
        Path status = Path.of("/proc/" + process.pid() + "/status");
        long peakKib = 0;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        try {
            while (!process.waitFor(SAMPLE_MILLIS, TimeUnit.MILLISECONDS)) {
                assertThat(System.nanoTime()).as("it ends in time").isLessThan(deadline);
                peakKib = Math.max(peakKib, heldKib(status));
            }
        } finally {
            process.destroyForcibly();
        }
        return peakKib >> 10;
    }

    private static long heldKib(Path status) throws IOException {
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("RssAnon:") || line.startsWith("RssShmem:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .sum();
        } catch (NoSuchFileException ended) {
            return 0;
        }
    }

    private static Process compress(Path checkpoint, String targets, Path out, Path err) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xms64m",
                "-Xmn32m",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "io.millrace.cli.Main",
                "compress",
                checkpoint.toString(),
                "-o",
                out.toString()));
        for (String target : targets.split(" ", -1)) {
            words.addAll(List.of("--to", target));
        }
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(err.toFile());
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        return builder.start();
    }
}
