package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pruning by weights (what quantizes is in {@link CompressMemoryIT}) on a checkpoint of seven times the heap: a single one of its larger tensors, widened to 32 bits, would
 * not fit. Memory outside the heap has no such bound, so what the whole process holds is looked at too.
 */
final class BoundedMemoryIT {
    private static final long SEED = 5;
    private static final long HEAP_MIB = 48;
    private static final long LONGEST_SECONDS = 120;

    @TempDir
    static Path folder;

    private static Path checkpoint;
    private static long weightBytes;

    @BeforeAll
    static void makeCheckpoint() throws IOException {
        System.out.println("seed " + SEED);
        checkpoint = folder.resolve("checkpoint");
        weightBytes = LargeCheckpoint.write(checkpoint, SEED);
        assertThat(weightBytes).isGreaterThan(7 * (HEAP_MIB << 20));
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"magnitude", "neurons"})
    @Tag("promise-5")
    @DisplayName("Promise 5: memory stays bounded, whatever the checkpoint's size")
    void weightOnlyWorkNeedsAFractionOfTheModelsSize(String job, @TempDir Path work) throws Exception {
        Path out = folder.resolve(job + ".out");
        Path err = folder.resolve(job + ".err");
        Process process = start(job, work, out, err);
        try {

            assertThat(process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS))
                    .as("'%s' ends within %d s", job, LONGEST_SECONDS)
                    .isTrue();

            assertThat(process.exitValue()).as(Files.readString(err)).isZero();
            long most = Long.parseLong(Files.readAllLines(out).getLast());
            System.out.printf(
                    "%s: %d MiB of weights, heap of %d MiB, %d MiB of memory in use at most%n",
                    job, weightBytes >> 20, HEAP_MIB, most >> 20);
            // The JVM itself takes as much again as this heap; a second heap beside it would be the model's.
            assertThat(most).isLessThan((3 * HEAP_MIB) << 20);
        } finally {
            process.destroyForcibly();
        }
    }

    private static Process start(String job, Path work, Path out, Path err) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx" + HEAP_MIB + "m",
                        // Each thread has its blocks, and a heap as small as this one holds those of one thread.
                        "-XX:ActiveProcessorCount=1",
                        "-XX:+UseSerialGC",
                        "--add-modules",
                        "jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        StageProcess.class.getName(),
                        job,
                        checkpoint.toString(),
                        work.toString()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        return builder.start();
    }
}
