package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.worker.Stage;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A small model with its texts, and a way to run a stage on them as a worker does. */
abstract class StageFixture {
    static final long SEED = 7;
    static final Parameters.Quality QUALITY = new Parameters.Quality(40, 256);
    static final Parameters.Distill DISTILL = new Parameters.Distill(12, 4, 64, 2, 0, 1e-3, false);

    @TempDir
    Path temp;

    final Map<Path, Digest> named = new HashMap<>();
    Path original;
    Path evaluation;
    Path calibration;
    final Set<String> told = new LinkedHashSet<>();
    double shown;

    @BeforeEach
    void makeModelAndTexts() throws Exception {
        System.out.println("seed " + SEED);
        original = SmallCheckpoint.write(temp.resolve("original"), SEED, 256, 512, 1);
        evaluation = text("evaluation", SEED, 40 * 256);
        calibration = text("calibration", SEED + 1, 20_000);
    }

    <P extends Parameters> StageOutput run(Stage<? super P> stage, P parameters, String work, Map<Role, Path> in)
            throws Exception {
        Path folder = Files.createDirectories(temp.resolve(work));
        Workspace workspace = new Workspace() {
            @Override
            public Path folder() {
                return folder;
            }

            @Override
            public void progress(long done, long total, String message) {
                assertThat(done).isBetween(0L, total);
                double share = (double) done / Math.max(1, total);
                assertThat(share).as("what is done stays done: %s", message).isGreaterThanOrEqualTo(shown);
                shown = share;
                told.add(done + " of " + total + ", " + message);
            }

            @Override
            public Optional<BiConsumer<Path, Digest>> digests() {
                return Optional.of(named::put);
            }
        };
        named.clear();
        told.clear();
        shown = 0;
        @SuppressWarnings("unchecked")
        Stage<P> typed = (Stage<P>) stage;
        StageOutput output = typed.run(input(parameters, in), workspace);
        named.forEach((file, digest) -> assertThat(digest).as(file.toString()).isEqualTo(digest(file)));
        return output;
    }

    /** A folder with one text of this many bytes. */
    Path text(String name, long seed, int bytes) throws Exception {
        Path folder = Files.createDirectories(temp.resolve(name));
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < bytes) {
            text.append("the river turns wheel ").append(random.nextInt(1000)).append(".\n");
        }
        text.setLength(bytes);
        Files.writeString(folder.resolve("text.txt"), text);
        return folder;
    }

    static <P extends Parameters> StageInput<P> input(P parameters, Map<Role, Path> inputs) {
        return new StageInput<>(inputs, parameters, 0, Device.CPU);
    }

    static Measurement measurement(StageOutput output, Metric metric) {
        return output.measurements().stream()
                .filter(measurement -> measurement.metric().equals(metric.wireName()))
                .findFirst()
                .orElseThrow();
    }

    static double value(StageOutput output, Metric metric) {
        return measurement(output, metric).value().orElseThrow();
    }

    static double error(StageOutput output, Metric metric) {
        return measurement(output, metric).standardError().orElseThrow();
    }

    static Digest digest(Path file) {
        try {
            return Digest.of(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
