package io.millrace.benchmarker;

import io.millrace.events.Device;
import io.millrace.events.Literature;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters;
import io.millrace.events.Parameters.Speed;
import io.millrace.events.Role;
import io.millrace.models.TensorRuntime;
import io.millrace.models.WorkProgress;
import io.millrace.models.llama.LlamaFailedException;
import io.millrace.models.llama.LlamaProcess;
import io.millrace.models.llama.LlamaUnavailableException;
import io.millrace.models.speed.GenerationSpeed;
import io.millrace.models.speed.SpeedPlan;
import io.millrace.models.speed.SpeedReport;
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

/**
 * Tokens per second of candidate and original, alternating in the runtime that executes the candidate's format: GGUF in
 * llama.cpp, the original beside it as an F16 GGUF; dense folders in the tensor engine. A format that has no runtime here
 * is not measured, and says so in the conductor's own words, which asks for none any more; a runtime that is here and
 * cannot be used is the worker's fault, and no evidence.
 */
final class SpeedBenchmark {
    /** A prompt is fed at once, and nothing is heard of it until it is answered. */
    private static final Duration LONGEST_SILENCE = Duration.ofMinutes(30);
    /** What is shown of the work when the baseline is written, of the whole. */
    private static final int WRITING = 100;

    private static final int WHOLE = 1000;

    private SpeedBenchmark() {}

    static List<Measurement> measure(StageInput<?> input, Speed parameters, Workspace workspace)
            throws IOException, InterruptedException {
        try (Checkpoint original = Checkpoint.openOriginal(input.require(Role.ORIGINAL));
                Candidate candidate = Candidate.open(input.require(Role.MODEL))) {
            int longest = Math.min(
                    original.config().maxPositions(),
                    candidate.weights().config().maxPositions());
            if (parameters.promptTokens() + parameters.generatedTokens() > longest) {
                return SpeedEvidence.missing(
                        "a prompt of " + parameters.promptTokens() + " and " + parameters.generatedTokens()
                                + " generated tokens do not fit the model's " + longest + " positions",
                        input.device());
            }
            return switch (candidate.format()) {
                case GGUF -> inLlama(original, candidate, parameters, input.device(), workspace);
                case DENSE ->
                    SpeedEvidence.of(
                            GenerationSpeed.measure(
                                    original,
                                    candidate.weights(),
                                    plan(parameters, TensorRuntime.start().threads()),
                                    System::nanoTime,
                                    workspace::progress),
                            input.device());
                case COMPRESSED_TENSORS -> SpeedEvidence.missing(Parameters.CompressedTensors.UNTIMED, input.device());
                case LITERATURE -> SpeedEvidence.missing(Literature.UNTIMED, input.device());
                case ONNX -> SpeedEvidence.missing(Parameters.Onnx.UNTIMED, input.device());
            };
        }
    }

    private static List<Measurement> inLlama(
            Checkpoint original, Candidate candidate, Speed parameters, Device device, Workspace workspace)
            throws IOException, InterruptedException {
        Path baseline = workspace.folder().resolve("original-F16.gguf");
        GgufCompressor.plan(original, GgufFileType.F16)
                .write(baseline, 1, part(workspace, 0, WRITING, "the original as F16 GGUF")::advance);
        try {
            SpeedReport report = new LlamaProcess(LONGEST_SILENCE)
                    .speed(
                            baseline,
                            candidate.weightsAt(),
                            plan(parameters, 1),
                            part(workspace, WRITING, WHOLE, "pairs in llama.cpp"));
            return SpeedEvidence.of(report, device);
        } catch (LlamaUnavailableException | LlamaFailedException e) {
            return SpeedEvidence.missing(String.valueOf(e.getMessage()), device);
        } finally {
            Files.deleteIfExists(baseline);
        }
    }

    /** Progress of one part of the work as a share of the whole; the message has the part's own units. */
    private static WorkProgress part(Workspace workspace, int from, int to, String part) {
        return (done, total, what) -> workspace.progress(
                from + (to - from) * done / Math.max(1, total),
                WHOLE,
                part + ": " + what + ", " + done + " of " + total);
    }

    private static SpeedPlan plan(Speed parameters, int threads) {
        return new SpeedPlan(threads, parameters.promptTokens(), parameters.generatedTokens(), parameters.pairs());
    }
}
