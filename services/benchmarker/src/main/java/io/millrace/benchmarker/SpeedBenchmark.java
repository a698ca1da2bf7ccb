package io.millrace.benchmarker;

import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters.Speed;
import io.millrace.events.Role;
import io.millrace.models.TensorRuntime;
import io.millrace.models.llama.LlamaFailedException;
import io.millrace.models.llama.LlamaProcess;
import io.millrace.models.llama.LlamaUnavailableException;
import io.millrace.models.speed.GenerationSpeed;
import io.millrace.models.speed.SpeedPlan;
import io.millrace.models.speed.SpeedReport;
import io.millrace.models.speed.Spread;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.gguf.GgufCompressor;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Tokens per second of candidate and original, alternating in the runtime that executes the candidate's format: GGUF in
 * llama.cpp, the original beside it as an F16 GGUF; dense folders in the tensor engine. A format that has no runtime here
 * is not measured, and says so.
 */
final class SpeedBenchmark {
    private static final Duration LONGEST_RUN = Duration.ofMinutes(30);
    private static final List<Metric> METRICS =
            List.of(Metric.PROMPT_RATE, Metric.GENERATION_RATE, Metric.GENERATION_SPEEDUP);

    private SpeedBenchmark() {}

    static List<Measurement> measure(StageInput<?> input, Speed parameters, Workspace workspace)
            throws IOException, InterruptedException {
        try (Checkpoint original = Checkpoint.openOriginal(input.require(Role.ORIGINAL));
                Candidate candidate = Candidate.open(input.require(Role.MODEL))) {
            int longest = Math.min(
                    original.config().maxPositions(),
                    candidate.weights().config().maxPositions());
            if (parameters.promptTokens() + parameters.generatedTokens() > longest) {
                return missing(
                        "a prompt of " + parameters.promptTokens() + " and " + parameters.generatedTokens()
                                + " generated tokens do not fit the model's " + longest + " positions",
                        input.device());
            }
            return switch (candidate.format()) {
                case GGUF -> inLlama(original, candidate, parameters, input.device(), workspace);
                case DENSE ->
                    measurements(
                            GenerationSpeed.measure(
                                    original,
                                    candidate.weights(),
                                    plan(parameters, TensorRuntime.start().threads()),
                                    System::nanoTime),
                            input.device());
                case COMPRESSED_TENSORS ->
                    missing(
                            "no runtime of this worker executes compressed-tensors; serving engines on a GPU do",
                            input.device());
                case LITERATURE ->
                    missing(
                            "no runtime executes the codes of a scheme of the literature; its dense values take as long"
                                    + " as the original's",
                            input.device());
                case ONNX ->
                    missing("this worker has no ONNX Runtime; a machine that has it runs the graph", input.device());
            };
        }
    }

    private static List<Measurement> inLlama(
            Checkpoint original, Candidate candidate, Speed parameters, Device device, Workspace workspace)
            throws IOException, InterruptedException {
        workspace.progress(0, 2, "writing the original as F16 GGUF");
        Path baseline = workspace.folder().resolve("original-F16.gguf");
        GgufCompressor.plan(original, GgufFileType.F16).write(baseline, 1, (done, total, what) -> {});
        try {
            workspace.progress(1, 2, "running pairs in llama.cpp");
            return measurements(
                    new LlamaProcess(LONGEST_RUN).speed(baseline, candidate.weightsAt(), plan(parameters, 1)), device);
        } catch (LlamaUnavailableException | LlamaFailedException e) {
            return missing(String.valueOf(e.getMessage()), device);
        } finally {
            Files.deleteIfExists(baseline);
        }
    }

    private static SpeedPlan plan(Speed parameters, int threads) {
        return new SpeedPlan(threads, parameters.promptTokens(), parameters.generatedTokens(), parameters.pairs());
    }

    private static List<Measurement> missing(String why, Device device) {
        return METRICS.stream()
                .map(metric -> Measurement.missing(metric, device, why))
                .toList();
    }

    private static List<Measurement> measurements(SpeedReport report, Device device) {
        Spread prompt = report.candidatePrompt();
        Spread generation = report.candidateGeneration();
        Spread baseline = report.originalGeneration();
        return List.of(
                rate(Metric.PROMPT_RATE, prompt, report.originalPrompt(), report, device),
                rate(Metric.GENERATION_RATE, generation, baseline, report, device),
                measurement(
                        Metric.GENERATION_SPEEDUP,
                        generation.median() / baseline.median(),
                        OptionalDouble.of(1),
                        "median of the candidate / median of the original",
                        report,
                        device));
    }

    private static Measurement rate(
            Metric metric, Spread candidate, Spread original, SpeedReport report, Device device) {
        String range = String.format(
                Locale.ROOT,
                "median; range %.4g to %.4g, the original's %.4g to %.4g; %d thread(s)",
                candidate.lowest(),
                candidate.highest(),
                original.lowest(),
                original.highest(),
                report.plan().threads());
        return measurement(metric, candidate.median(), OptionalDouble.of(original.median()), range, report, device);
    }

    private static Measurement measurement(
            Metric metric, double value, OptionalDouble baseline, String note, SpeedReport report, Device device) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                baseline,
                metric.unit(),
                report.runtime(),
                device,
                report.plan().pairs(),
                Optional.empty(),
                note);
    }
}
