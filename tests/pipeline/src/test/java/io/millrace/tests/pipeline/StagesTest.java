package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.distiller.DistillStage;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Literature;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.policy.PolicyFile;
import io.millrace.models.evaluation.Evaluation;
import io.millrace.models.llama.LlamaUnusableException;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each stage on real tensors, as a worker calls it, and one after the other as a recipe does. */
class StagesTest {
    private static final long SEED = 7;
    private static final Parameters.Quality QUALITY = new Parameters.Quality(40, 256);
    private static final Parameters.Distill DISTILL = new Parameters.Distill(12, 4, 64, 2, 0, 1e-3, false);

    @TempDir
    Path temp;

    private final Map<Path, Digest> named = new HashMap<>();
    private Path original;
    private Path evaluation;
    private Path calibration;
    private final Set<String> told = new LinkedHashSet<>();
    private double shown;

    @BeforeEach
    void makeModelAndTexts() throws Exception {
        System.out.println("seed " + SEED);
        original = SmallCheckpoint.write(temp.resolve("original"), SEED, 256, 512, 1);
        evaluation = text("evaluation", SEED, 40 * 256);
        calibration = text("calibration", SEED + 1, 20_000);
    }

    @Test
    void aRecipePrunesDistillsQuantizesAndIsMeasured() throws Exception {
        StageOutput pruned =
                run(new PruneStage(), new Parameters.Neurons(0.5, 256), "prune", Map.of(Role.MODEL, original));
        StageOutput distilled = run(
                new DistillStage(),
                DISTILL,
                "distill",
                Map.of(Role.MODEL, pruned.folder(), Role.ORIGINAL, original, Role.CALIBRATION_TEXT, calibration));
        StageOutput quantized = run(
                new QuantizeStage(), new Parameters.Gguf("Q4_K_M"), "quantize", Map.of(Role.MODEL, distilled.folder()));

        Map<Role, Path> onlyPruned =
                Map.of(Role.MODEL, pruned.folder(), Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation);
        Map<Role, Path> product =
                Map.of(Role.MODEL, quantized.folder(), Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation);
        double before = value(run(new BenchmarkStage(), QUALITY, "quality-pruned", onlyPruned), Metric.KL_DIVERGENCE);
        StageOutput after = run(new BenchmarkStage(), QUALITY, "quality", product);

        try (Checkpoint student = Checkpoint.open(distilled.folder())) {
            assertThat(student.config().feedForwardSize()).isEqualTo(256);
            assertThat(student.type()).as("a step follows").isEqualTo(DType.F32);
        }
        assertThat(value(after, Metric.KL_DIVERGENCE))
                .as("distilling won back more than quantizing lost")
                .isLessThan(before);
        assertThat(value(after, Metric.SIZE_RATIO)).isBetween(0.1, 0.5);
        assertThat(value(after, Metric.BITS_PER_WEIGHT)).isBetween(4.5, 6.6);
        JsonNode report = new ObjectMapper()
                .readTree(quantized.folder().resolve("tensor-report.json").toFile());
        assertThat(report.path("tensors")).hasSize(12);
        assertThat(Files.readAllLines(distilled.folder().resolve("loss-curve.csv")))
                .hasSize(DISTILL.steps() + 1);
    }

    @Test
    void compressedTensorsLoseLittleAndSayThatNoRuntimeHereRunsThem() throws Exception {
        StageOutput quantized = run(
                new QuantizeStage(),
                new Parameters.CompressedTensors("W8A16"),
                "quantize",
                Map.of(Role.MODEL, original));
        Map<Role, Path> inputs =
                Map.of(Role.MODEL, quantized.folder(), Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation);

        StageOutput quality = run(new BenchmarkStage(), QUALITY, "quality", inputs);
        StageOutput speed = run(new BenchmarkStage(), new Parameters.Speed(16, 8, 1), "speed", inputs);

        assertThat(value(quality, Metric.SAME_TOP_TOKEN)).isGreaterThan(0.9);
        assertThat(value(quality, Metric.PERPLEXITY_INCREASE)).isBetween(-0.01, 0.01);
        Measurement perplexity = measurement(quality, Metric.PERPLEXITY);
        assertThat(perplexity.value().orElseThrow() / perplexity.baseline().orElseThrow() - 1)
                .as("the candidate's beside the original's")
                .isCloseTo(value(quality, Metric.PERPLEXITY_INCREASE), within(1e-9));
        for (Metric gated : List.of(Metric.PERPLEXITY_INCREASE, Metric.KL_DIVERGENCE, Metric.SAME_TOP_TOKEN)) {
            assertThat(measurement(quality, gated).samples()).as("windows").isEqualTo(QUALITY.sequences());
            assertThat(error(quality, gated)).as(gated.wireName()).isPositive();
        }
        assertThat(error(quality, Metric.KL_DIVERGENCE))
                .as("its own, which is far smaller than that of a share of tokens")
                .isLessThan(value(quality, Metric.KL_DIVERGENCE))
                .isLessThan(error(quality, Metric.SAME_TOP_TOKEN) / 10);
        for (Metric perPosition : List.of(Metric.PERPLEXITY, Metric.KL_DIVERGENCE_P99)) {
            assertThat(measurement(quality, perPosition).samples())
                    .as("positions")
                    .isEqualTo(40 * 127);
        }
        assertThat(value(quality, Metric.KL_DIVERGENCE_P99))
                .as("of the positions, above their mean")
                .isGreaterThan(2 * value(quality, Metric.KL_DIVERGENCE));
        Measurement size = measurement(quality, Metric.SIZE);
        try (Checkpoint checkpoint = Checkpoint.open(original);
                var files = Files.list(quantized.folder())) {
            double bytes = files.mapToDouble(StagesTest::bytes).sum();
            assertThat(size.value()).hasValue(bytes);
            assertThat(size.baseline()).as("at 16 bits").hasValue(2.0 * checkpoint.parameters());
            assertThat(value(quality, Metric.BITS_PER_WEIGHT))
                    .as("of the weights alone")
                    .isLessThan(8 * bytes / checkpoint.parameters());
        }
        assertThat(value(quality, Metric.SIZE_RATIO))
                .isEqualTo(size.value().orElseThrow() / size.baseline().orElseThrow());
        assertThat(measurement(speed, Metric.GENERATION_RATE).measured()).isFalse();
        assertThat(measurement(speed, Metric.GENERATION_RATE).note()).contains("compressed-tensors");
    }

    /** A worker ends a stage that says nothing new for ten minutes; of a large model one token may take seconds. */
    @Test
    void measurementsSayHowFarTheyAreMoreThanOncePerRun() throws Exception {
        Map<Role, Path> dense = Map.of(Role.MODEL, original, Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation);
        Map<Role, Path> gguf = Map.of(
                Role.MODEL,
                run(new QuantizeStage(), new Parameters.Gguf("Q8_0"), "told", Map.of(Role.MODEL, original))
                        .folder(),
                Role.ORIGINAL,
                original);

        StageOutput rates = run(new BenchmarkStage(), new Parameters.Speed(16, 8, 1), "told-dense", dense);
        Measurement generation = measurement(rates, Metric.GENERATION_RATE);
        assertThat(value(rates, Metric.GENERATION_SPEEDUP))
                .isEqualTo(
                        generation.value().orElseThrow() / generation.baseline().orElseThrow());
        assertThat(told)
                .contains(
                        "0 of 96, tokens fed; the next at layer 1 of 1",
                        "16 of 96, tokens fed",
                        "17 of 96, tokens fed",
                        "96 of 96, tokens fed")
                .as("the prompt is fed at once")
                .doesNotContain("15 of 96, tokens fed");

        StageOutput speed = run(new BenchmarkStage(), new Parameters.Speed(16, 8, 1), "told-gguf", gguf);
        assertThat(told).anyMatch(mark -> mark.contains("the original as F16 GGUF: "));
        if (measurement(speed, Metric.GENERATION_RATE).measured()) {
            assertThat(told).anyMatch(mark -> mark.contains("pairs in llama.cpp: "));
        }

        run(new BenchmarkStage(), QUALITY, "told-quality", dense);
        assertThat(told)
                .contains(
                        "1 of " + 3 * QUALITY.sequences() + ", windows through layers of the original",
                        3 * QUALITY.sequences() + " of " + 3 * QUALITY.sequences() + ", windows compared");
    }

    /** Evidence that is missing would reject the candidate, which nobody has tried. */
    @Test
    void aLlamaLibraryThatCannotBeLoadedIsTheWorkersFault() throws Exception {
        Map<Role, Path> inputs = Map.of(
                Role.MODEL,
                run(new QuantizeStage(), new Parameters.Gguf("Q8_0"), "unloaded", Map.of(Role.MODEL, original))
                        .folder(),
                Role.ORIGINAL,
                original);
        Path noLibrary = Files.writeString(temp.resolve("libllama.so"), "no library");
        System.setProperty("MILLRACE_LLAMA_LIBRARY", noLibrary.toString());
        try {
            assertThatThrownBy(() -> run(new BenchmarkStage(), new Parameters.Speed(16, 8, 1), "unmeasured", inputs))
                    .isInstanceOf(LlamaUnusableException.class)
                    .hasMessageContaining(noLibrary + ": cannot be loaded");
        } finally {
            System.clearProperty("MILLRACE_LLAMA_LIBRARY");
        }
    }

    @Test
    void codesOfTheLiteratureAreJudgedWithTheirInputsRounded() throws Exception {
        StageOutput plain = measured(Literature.of("uniform"), "plain");
        StageOutput coarse = measured(
                new Literature.Uniform(
                        8, OptionalDouble.empty(), Optional.of(new Literature.Inputs(3, OptionalDouble.empty()))),
                "coarse");

        assertThat(value(plain, Metric.BITS_PER_WEIGHT)).isBetween(8.0, 11.0);
        assertThat(value(plain, Metric.SIZE_RATIO)).as("dense values and codes").isGreaterThan(1.4);
        assertThat(value(coarse, Metric.KL_DIVERGENCE)).isGreaterThan(5 * value(plain, Metric.KL_DIVERGENCE));
        assertThat(measurement(coarse, Metric.KL_DIVERGENCE).note()).contains("inputs of linear modules rounded");
        StageOutput speed = run(
                new BenchmarkStage(),
                new Parameters.Speed(16, 8, 1),
                "speed",
                Map.of(Role.MODEL, temp.resolve("plain/output"), Role.ORIGINAL, original));
        assertThat(measurement(speed, Metric.GENERATION_RATE).note()).contains("no runtime executes the codes");
    }

    private StageOutput measured(Parameters.Quantize parameters, String name) throws Exception {
        StageOutput output = run(new QuantizeStage(), parameters, name, Map.of(Role.MODEL, original));
        return run(
                new BenchmarkStage(),
                QUALITY,
                name + "-quality",
                Map.of(Role.MODEL, output.folder(), Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation));
    }

    @Test
    void scalesOfOneRowThatAreTooLargeAreSeenByTheQualityMeasurement() throws Exception {
        for (Parameters.Quantize parameters : List.of(
                new Parameters.Gguf("Q4_K_M"),
                new Parameters.Gguf("Q6_K"),
                new Parameters.Gguf("Q8_0"),
                new Parameters.CompressedTensors("W4A16"),
                new Parameters.CompressedTensors("W4A16_ASYM"),
                Literature.of("uniform"),
                new Parameters.Onnx("int4"))) {
            double sound = divergence(new QuantizeStage(false), parameters, "sound");

            double spoiled = divergence(new QuantizeStage(true), parameters, "spoiled");

            assertThat(spoiled).as(parameters.toString()).isGreaterThan(0.2).isGreaterThan(5 * sound);
        }
    }

    private double divergence(QuantizeStage stage, Parameters.Quantize parameters, String name) throws Exception {
        StageOutput output = run(stage, parameters, name + parameters.type(), Map.of(Role.MODEL, original));
        Map<Role, Path> inputs =
                Map.of(Role.MODEL, output.folder(), Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation);
        return value(
                run(new BenchmarkStage(), QUALITY, name + "-quality" + parameters.type(), inputs),
                Metric.KL_DIVERGENCE);
    }

    @Test
    @Tag("promise-4")
    @DisplayName("Promise 4: the same input gives the same bytes")
    void theSameInputGivesTheSameBytes() throws Exception {
        for (Parameters.Quantize parameters : List.of(
                new Parameters.Gguf("Q4_K_M"),
                new Parameters.CompressedTensors("W4A16"),
                Literature.of("ternary"),
                new Parameters.Onnx("int4"))) {
            List<String> digests = new ArrayList<>();
            for (String attempt : List.of("first", "second")) {
                StageOutput output =
                        run(new QuantizeStage(), parameters, attempt + parameters.type(), Map.of(Role.MODEL, original));
                try (var files = Files.walk(output.folder())) {
                    digests.add(files.filter(Files::isRegularFile)
                            .sorted()
                            .map(file -> file.getFileName() + " " + digest(file))
                            .toList()
                            .toString());
                }
            }
            assertThat(digests.get(0)).isEqualTo(digests.get(1));
        }
    }

    @Test
    void filesOfWeightsAreDigestedWhileTheyAreWritten() throws Exception {
        StageOutput gguf = run(new QuantizeStage(), new Parameters.Gguf("Q8_0"), "gguf", Map.of(Role.MODEL, original));
        assertThat(named).containsOnlyKeys(gguf.folder().resolve("model-Q8_0.gguf"));

        StageOutput compressed = run(
                new QuantizeStage(), new Parameters.CompressedTensors("W8A8"), "W8A8", Map.of(Role.MODEL, original));
        assertThat(named).containsOnlyKeys(compressed.folder().resolve("model.safetensors"));
    }

    @Test
    void aDistillationThatDiedGoesOnFromItsLastSavedStepAndKeepsWhatWasPruned() throws Exception {
        // So few that nobody would see them in the numbers: the mark of the pruner tells.
        Parameters.Magnitude few = new Parameters.Magnitude(OptionalDouble.of(0.05), OptionalDouble.empty(), false);
        Path pruned = run(new PruneStage(), few, "prune", Map.of(Role.MODEL, original))
                .folder();
        Map<Role, Path> inputs =
                Map.of(Role.MODEL, pruned, Role.ORIGINAL, original, Role.CALIBRATION_TEXT, calibration);
        StageOutput whole = run(new DistillStage(), DISTILL, "whole", inputs);
        Path work = Files.createDirectory(temp.resolve("cut"));

        assertThatThrownBy(() -> new DistillStage().run(input(DISTILL, inputs), dyingAt(0, work)))
                .hasMessage("the process dies here");
        assertThat(work.resolve("state")).as("nothing was saved yet").doesNotExist();
        assertThatThrownBy(() -> new DistillStage().run(input(DISTILL, inputs), dyingAt(7, work)))
                .hasMessage("the process dies here");
        // As if it had written this line before it died, and not the state.
        Files.writeString(work.resolve("loss-curve.csv"), "8,9.5,9.5,,0.001,1.0\n", StandardOpenOption.APPEND);
        StageOutput resumed = run(new DistillStage(), DISTILL, "cut", inputs);

        assertThat(told)
                .as("no step is done again")
                .noneMatch(mark -> mark.startsWith("6 of 12"))
                .anyMatch(mark -> mark.startsWith("7 of 12"));
        assertThat(digest(resumed.folder().resolve("model.safetensors")))
                .isEqualTo(digest(whole.folder().resolve("model.safetensors")));
        assertThat(Files.readAllLines(resumed.folder().resolve("loss-curve.csv")))
                .isEqualTo(Files.readAllLines(whole.folder().resolve("loss-curve.csv")));
        assertThat(zeros(resumed.folder()))
                .isEqualTo(zeros(pruned))
                .anySatisfy((name, count) -> assertThat(count).as(name).isPositive());
    }

    /** A process that dies when so many steps are done. */
    private static Workspace dyingAt(long step, Path work) {
        return new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long done, long total, String message) {
                if (done == step) {
                    throw new IllegalStateException("the process dies here");
                }
            }
        };
    }

    @Test
    void zerosOfAPrunedModelOutliveASecondDistillation() throws Exception {
        Parameters.Magnitude few = new Parameters.Magnitude(OptionalDouble.of(0.05), OptionalDouble.empty(), false);
        Path pruned = run(new PruneStage(), few, "prune", Map.of(Role.MODEL, original))
                .folder();
        Path student = pruned;
        for (String distillation : List.of("first", "second")) {
            student = run(
                            new DistillStage(),
                            DISTILL,
                            distillation,
                            Map.of(
                                    Role.MODEL, student,
                                    Role.ORIGINAL, original,
                                    Role.CALIBRATION_TEXT, calibration))
                    .folder();
        }

        assertThat(zeros(student))
                .isEqualTo(zeros(pruned))
                .anySatisfy((name, count) -> assertThat(count).as(name).isPositive());
    }

    /** How many weights of each tensor are exactly zero. */
    private static Map<String, Integer> zeros(Path folder) throws Exception {
        Map<String, Integer> zeros = new TreeMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            for (TensorSpec spec : checkpoint.tensors()) {
                float[] values = new float[Math.toIntExact(spec.shape().elements())];
                checkpoint.read(spec.name(), 0, spec.shape().rows(), MemorySegment.ofArray(values));
                int count = 0;
                for (float value : values) {
                    count += value == 0 ? 1 : 0;
                }
                zeros.put(spec.name(), count);
            }
        }
        return zeros;
    }

    @Test
    void aPolicyAsksForNoShorterWindowThanTheEvaluationTakes() {
        assertThat(PolicyFile.SHORTEST_WINDOW).isEqualTo(Evaluation.SHORTEST_WINDOW);
    }

    @Test
    void anEvaluationTextThatIsTooShortIsThePolicysFault() throws Exception {
        Path shortText = text("short", SEED, 7 * 256);
        Map<Role, Path> inputs = Map.of(Role.MODEL, original, Role.ORIGINAL, original, Role.EVALUATION_TEXT, shortText);

        assertThatThrownBy(() -> run(new BenchmarkStage(), QUALITY, "quality", inputs))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.TEXT_TOO_SHORT))
                .hasMessageContaining("7 windows");
    }

    @Test
    void whatTheModelCannotHoldIsMissingEvidenceThatSaysWhy() throws Exception {
        Map<Role, Path> inputs =
                Map.of(Role.MODEL, original, Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation);

        StageOutput quality = run(new BenchmarkStage(), new Parameters.Quality(40, 257), "quality", inputs);
        StageOutput speed = run(new BenchmarkStage(), new Parameters.Speed(250, 7, 1), "speed", inputs);

        assertThat(quality.measurements()).filteredOn(one -> !one.measured()).hasSize(5);
        assertThat(measurement(quality, Metric.KL_DIVERGENCE).note())
                .isEqualTo("windows of 257 tokens; expected 4 to 256, the longest context of the model");
        assertThat(measurement(speed, Metric.GENERATION_RATE).note())
                .isEqualTo("a prompt of 250 and 7 generated tokens do not fit the model's 256 positions");
    }

    /** A gate that limits nothing but the size would pass it. */
    @Test
    void aCandidateThatGivesNoNumbersIsTheRecipesFaultAndSuchAnOriginalTheCheckpoints() throws Exception {
        Path broken = SmallCheckpoint.write(temp.resolve("broken"), SEED, 256, 512, 1);
        fill(broken.resolve("model.safetensors"), "model.norm.weight", (byte) 0x7F);

        assertThatThrownBy(() -> quality(broken, original))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.CANDIDATE_NOT_FINITE))
                .hasMessageContaining("the candidate ");
        assertThatThrownBy(() -> quality(original, broken))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.NOT_FINITE))
                .hasMessageContaining("the original ");
    }

    private StageOutput quality(Path model, Path beside) throws Exception {
        Map<Role, Path> inputs = Map.of(Role.MODEL, model, Role.ORIGINAL, beside, Role.EVALUATION_TEXT, evaluation);
        return run(new BenchmarkStage(), QUALITY, "quality of " + model.getFileName(), inputs);
    }

    /** Every byte of a tensor; 0x7F makes numbers as large as they get. */
    private static void fill(Path safetensors, String tensor, byte value) throws IOException {
        byte[] file = Files.readAllBytes(safetensors);
        int headerBytes = Math.toIntExact(
                ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong());
        JsonNode extent = new ObjectMapper()
                .readTree(file, Long.BYTES, headerBytes)
                .path(tensor)
                .path("data_offsets");
        int data = Long.BYTES + headerBytes;
        Arrays.fill(file, data + extent.get(0).asInt(), data + extent.get(1).asInt(), value);
        Files.write(safetensors, file);
    }

    @Test
    void anOriginalThatMillraceMadeIsRefused() throws Exception {
        StageOutput pruned =
                run(new PruneStage(), new Parameters.Neurons(0.5, 256), "prune", Map.of(Role.MODEL, original));
        Map<Role, Path> inputs =
                Map.of(Role.MODEL, original, Role.ORIGINAL, pruned.folder(), Role.EVALUATION_TEXT, evaluation);

        assertThatThrownBy(() -> run(new BenchmarkStage(), QUALITY, "quality", inputs))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.MADE_BY_MILLRACE));
    }

    private <P extends Parameters> StageOutput run(
            Stage<? super P> stage, P parameters, String work, Map<Role, Path> in) throws Exception {
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
    private Path text(String name, long seed, int bytes) throws Exception {
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

    private static <P extends Parameters> StageInput<P> input(P parameters, Map<Role, Path> inputs) {
        return new StageInput<>(inputs, parameters, 0, Device.CPU);
    }

    private static Measurement measurement(StageOutput output, Metric metric) {
        return output.measurements().stream()
                .filter(measurement -> measurement.metric().equals(metric.wireName()))
                .findFirst()
                .orElseThrow();
    }

    private static double value(StageOutput output, Metric metric) {
        return measurement(output, metric).value().orElseThrow();
    }

    private static double error(StageOutput output, Metric metric) {
        return measurement(output, metric).standardError().orElseThrow();
    }

    private static double bytes(Path file) {
        try {
            return (double) Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Digest digest(Path file) {
        try {
            return Digest.of(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
