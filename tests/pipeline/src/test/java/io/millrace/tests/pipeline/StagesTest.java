package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.distiller.DistillStage;
import io.millrace.events.CompressedModules;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.Literature;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.tensors.DType;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.StageOutput;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Each stage on real tensors, as a worker calls it, and one after the other as a recipe does. */
class StagesTest extends StageFixture {
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

    /** A fault that is not planted, and said to be, would be blamed on the gate. */
    @Test
    void aModelInSeveralFilesIsSpoiledToo() throws Exception {
        Parameters.Quantize shards = new Parameters.CompressedTensors(
                "W4A16", CompressedModules.ALIKE, Optional.of(new GgufPartLimit.Size(10_000)));
        List<List<String>> files = new ArrayList<>();
        for (boolean spoiled : List.of(false, true)) {
            StageOutput output =
                    run(new QuantizeStage(spoiled), shards, "spoiled-" + spoiled, Map.of(Role.MODEL, original));
            try (var shard = Files.newDirectoryStream(output.folder(), "model-*.safetensors")) {
                List<String> digests = new ArrayList<>();
                shard.forEach(file -> digests.add(file.getFileName() + " " + digest(file)));
                files.add(digests.stream().sorted().toList());
            }
        }

        assertThat(files.get(0)).hasSizeGreaterThan(1);
        assertThat(files.get(1)).hasSameSizeAs(files.get(0));
        assertThat(files.get(1).stream().filter(file -> !files.get(0).contains(file)))
                .as("the one file with these scales")
                .hasSize(1);
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
}
