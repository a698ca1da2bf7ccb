package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.benchmarker.BenchmarkStage;
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
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.StageException;
import io.millrace.worker.StageOutput;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the benchmark stage measures of real tensors, and what it refuses. */
class StageMeasurementsTest extends StageFixture {
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
            double bytes = files.mapToDouble(StageMeasurementsTest::bytes).sum();
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

    private static double bytes(Path file) {
        try {
            return (double) Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
}
