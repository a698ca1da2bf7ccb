package io.millrace.tests.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.distiller.DistillStage;
import io.millrace.events.Device;
import io.millrace.events.Literature;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.worker.Stage;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A finished job is never computed again, so whoever changes what a stage makes of the same input has to raise the version
 * of its parameters: the old result would stand for the new one. {@code algorithm-versions.txt} holds what each version
 * makes of a small model: the digest of all files, the report among them, or the numbers where a tensor engine computed
 * them. A line is added, never changed.
 */
class AlgorithmVersionsTest {
    private static final String FILE = "algorithm-versions.txt";
    /** What processors and builds of the tensor engine disagree by, far above their rounding and below any change of rule. */
    private static final double ENGINE_TOLERANCE = 2e-3;

    @TempDir
    private static Path shared;

    private static Path model = Path.of("");
    private static Path other = Path.of("");
    private static Path text = Path.of("");

    @TempDir
    private Path folder;

    @BeforeAll
    static void writeInputs() throws IOException {
        model = VersionModel.write(shared.resolve("model"), 11);
        other = VersionModel.write(shared.resolve("other"), 12);
        text = Files.createDirectories(shared.resolve("text"));
        Random random = new Random(13);
        StringBuilder words = new StringBuilder();
        while (words.length() < 14_000) {
            words.append((char) ('a' + random.nextInt(26))).append(random.nextInt(4) == 0 ? " " : "");
        }
        Files.writeString(text.resolve("text.txt"), words);
    }

    @Test
    void whatWeightsBecomeChangesWithTheVersionAlone() throws Exception {
        List<String> lines = new ArrayList<>();
        for (Parameters parameters : weightOnly()) {
            Path work = folder.resolve("work" + lines.size());
            lines.add(identity(parameters) + " "
                    + digest(run(parameters, Map.of(Role.MODEL, model), work).folder()));
        }

        requireCommitted(lines);
    }

    @Test
    void whatIsMeasuredChangesWithTheVersionAlone() throws Exception {
        Parameters quality = new Parameters.Quality(96, 128);
        Map<Role, Path> inputs = Map.of(Role.MODEL, other, Role.ORIGINAL, model, Role.EVALUATION_TEXT, text);

        requireClose(quality, measured(run(quality, inputs, folder.resolve("quality"))));
    }

    /**
     * A rate so high that gradients are clipped and each rule of the optimizer moves the weights by more than engines
     * disagree; with twice the steps their rounding shows.
     */
    @Test
    void whatIsTrainedChangesWithTheVersionAlone() throws Exception {
        Parameters magnitude = new Parameters.Magnitude(OptionalDouble.of(0.3), OptionalDouble.empty(), false);
        Path pruned = run(magnitude, Map.of(Role.MODEL, other), folder.resolve("pruned"))
                .folder();
        Parameters distill = new Parameters.Distill(6, 2, 32, 2, 0.6, 0.1, true);
        Map<Role, Path> inputs = Map.of(Role.MODEL, pruned, Role.ORIGINAL, model, Role.CALIBRATION_TEXT, text);
        StageOutput output = run(distill, inputs, folder.resolve("distilled"));

        Map<String, Double> found = measured(output);
        found.putAll(TrainedModel.losses(output.folder()));
        found.putAll(TrainedModel.changes(pruned, output.folder()));
        requireClose(distill, found);
    }

    /** Another statistic, other windows or another choice of neurons leave another share of the importance. */
    @Test
    void whatIsRankedByActivationsChangesWithTheVersionAlone() throws Exception {
        Parameters neurons = new Parameters.Neurons(0.25, 128, Optional.of(new Parameters.Neurons.Activations(4, 32)));
        Map<Role, Path> inputs = Map.of(Role.MODEL, model, Role.CALIBRATION_TEXT, text);

        requireClose(neurons, measured(run(neurons, inputs, folder.resolve("ranked"))));
    }

    private static Map<String, Double> measured(StageOutput output) {
        Map<String, Double> measured = new LinkedHashMap<>();
        for (Measurement measurement : output.measurements()) {
            measured.put(measurement.metric(), measurement.value().orElseThrow());
        }
        return measured;
    }

    private static void requireClose(Parameters parameters, Map<String, Double> found) throws IOException {
        List<String> problems = new ArrayList<>();
        Map<String, String> all = committed();
        found.forEach((what, number) -> {
            String key = identity(parameters) + " " + what;
            String committed = all.get(key);
            if (committed == null) {
                problems.add(missing(key + " " + number));
            } else if (differs(number, Double.parseDouble(committed))) {
                problems.add(key + " was " + committed + "\n" + remedy(key + " " + number));
            }
        });
        assertThat(problems).as(String.join("\n", problems)).isEmpty();
    }

    private static boolean differs(double found, double committed) {
        return !(Math.abs(found - committed) <= ENGINE_TOLERANCE * Math.max(1e-3, Math.abs(committed)));
    }

    private static void requireCommitted(List<String> lines) throws IOException {
        List<String> problems = new ArrayList<>();
        for (String line : lines) {
            int end = line.lastIndexOf(' ');
            String committed = committed().get(line.substring(0, end));
            if (committed == null) {
                problems.add(missing(line));
            } else if (!committed.equals(line.substring(end + 1))) {
                problems.add("the output or report of " + line.substring(0, end) + " changed\n" + remedy(line));
            }
        }
        assertThat(problems).as(String.join("\n", problems)).isEmpty();
    }

    private static String missing(String line) {
        return FILE + " has nothing for this version; add the line\n" + line;
    }

    private static String remedy(String line) {
        return "raise version() of these parameters in Parameters, and commit a new line for the new version beside the old"
                + " one; this version made\n" + line;
    }

    /** What is committed, by stage, version and parameters. */
    private static Map<String, String> committed() throws IOException {
        Map<String, String> committed = new LinkedHashMap<>();
        for (String line :
                Files.readAllLines(Repository.ROOT.resolve("tests/compatibility/src/test/resources/" + FILE))) {
            int end = line.lastIndexOf(' ');
            if (!line.startsWith("#")) {
                assertThat(committed.put(line.substring(0, end), line.substring(end + 1)))
                        .as("two lines for %s", line.substring(0, end))
                        .isNull();
            }
        }
        return committed;
    }

    private static String identity(Parameters parameters) {
        return parameters.stage().wireName() + " " + parameters.name() + " version " + parameters.version() + " "
                + parameters.canonicalJson();
    }

    private static List<Parameters> weightOnly() {
        List<Parameters> all = new ArrayList<>(List.of(
                new Parameters.Neurons(0.25, 128),
                new Parameters.Magnitude(OptionalDouble.of(0.3), OptionalDouble.empty(), false),
                new Parameters.Magnitude(OptionalDouble.of(0.3), OptionalDouble.empty(), true),
                new Parameters.Magnitude(OptionalDouble.empty(), OptionalDouble.of(0.01), false)));
        Parameters.Gguf.TYPES.stream()
                .sorted()
                .map(Parameters.Gguf::new)
                .filter(gguf -> !gguf.needsImportance())
                .forEach(all::add);
        Parameters.CompressedTensors.TYPES.stream()
                .sorted()
                .map(Parameters.CompressedTensors::new)
                .forEach(all::add);
        Parameters.Onnx.TYPES.stream().sorted().map(Parameters.Onnx::new).forEach(all::add);
        Literature.TYPES.stream().sorted().map(Literature::of).forEach(all::add);
        return all;
    }

    private static StageOutput run(Parameters parameters, Map<Role, Path> inputs, Path work) throws Exception {
        return switch (parameters) {
            case Parameters.Prune prune -> run(new PruneStage(), prune, inputs, work);
            case Parameters.Distill distill -> run(new DistillStage(), distill, inputs, work);
            case Parameters.Quantize quantize -> run(new QuantizeStage(1), quantize, inputs, work);
            case Parameters.Benchmark benchmark -> run(new BenchmarkStage(), benchmark, inputs, work);
        };
    }

    private static <P extends Parameters> StageOutput run(
            Stage<P> stage, P parameters, Map<Role, Path> inputs, Path work) throws Exception {
        Files.createDirectories(work);
        return stage.run(new StageInput<>(inputs, parameters, 5, new Device("cpu")), new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long done, long total, String message) {}
        });
    }

    /** Of all files of a folder, with their names. */
    private static String digest(Path output) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (Stream<Path> walk = Files.walk(output)) {
            for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
                String name = output.relativize(file) + " " + Files.size(file) + "\n";
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                digest.update(Files.readAllBytes(file));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
