package io.millrace.benchmarker;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters.Quality;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.models.TensorRuntime;
import io.millrace.models.Tokenizer;
import io.millrace.models.evaluation.Evaluation;
import io.millrace.models.evaluation.NotMeasured;
import io.millrace.models.evaluation.QualityReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** Perplexity, divergence and sizes of a candidate beside its original, by the protocol of {@link Evaluation}. */
final class QualityBenchmark {
    private static final int BYTES_PER_ORIGINAL_WEIGHT = 2;

    private QualityBenchmark() {}

    static List<Measurement> measure(StageInput<?> input, Quality parameters, boolean againstAny, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        Path originalFolder = input.require(Role.ORIGINAL);
        Path textFile = text(input.require(Role.EVALUATION_TEXT));
        try (Checkpoint original =
                        againstAny ? Checkpoint.open(originalFolder) : Checkpoint.openOriginal(originalFolder);
                Candidate candidate = Candidate.open(input.require(Role.MODEL))) {
            FiniteWeights.check(
                    candidate.weights(), candidate.weightsAt().getFileName().toString());
            List<Measurement> measurements = new ArrayList<>(sizes(original, candidate, input.device()));
            String text = read(textFile);
            switch (Evaluation.compare(
                    original,
                    candidate.weights(),
                    originalFolder,
                    text,
                    parameters.sequences(),
                    parameters.length(),
                    workspace::progress)) {
                case QualityReport report ->
                    measurements.addAll(quality(report, candidate, input.device(), Digest.of(text)));
                case NotMeasured(var cause, String why) ->
                    measurements.addAll(
                            switch (cause) {
                                case TEXT_TOO_SHORT ->
                                    throw new StageException(
                                            Reason.TEXT_TOO_SHORT,
                                            why + " (in a policy: change it and apply it again)");
                                case ORIGINAL_NOT_FINITE -> throw new StageException(Reason.NOT_FINITE, why);
                                case CANDIDATE_NOT_FINITE -> throw new StageException(Reason.CANDIDATE_NOT_FINITE, why);
                                case UNSUITABLE -> missing(input.device(), why);
                            });
            }
            return measurements;
        }
    }

    private static List<Measurement> missing(Device device, String why) {
        return Stream.of(
                        Metric.PERPLEXITY,
                        Metric.PERPLEXITY_INCREASE,
                        Metric.KL_DIVERGENCE,
                        Metric.KL_DIVERGENCE_P99,
                        Metric.SAME_TOP_TOKEN)
                .map(metric -> Measurement.missing(metric, device, why))
                .toList();
    }

    private static Path text(Path folder) throws IOException, StageException {
        try (var files = Files.list(folder)) {
            return files.findFirst()
                    .orElseThrow(() -> new StageException(Reason.TEXT_MISSING, "there is no file to evaluate with"));
        }
    }

    private static String read(Path text) throws IOException, StageException {
        Optional<String> tooLong = Tokenizer.refusal(Files.size(text));
        if (tooLong.isPresent()) {
            throw new StageException(
                    Reason.TEXT_TOO_LONG,
                    "the text to evaluate with " + tooLong.get() + " (in a policy: and apply it again)");
        }
        try {
            return Files.readString(text);
        } catch (CharacterCodingException e) {
            throw new StageException(
                    Reason.TEXT_MALFORMED,
                    "the text to evaluate with is not UTF-8; convert it (in a policy: and apply it again)",
                    e);
        }
    }

    private static List<Measurement> sizes(Checkpoint original, Candidate candidate, Device device) {
        double originalBytes = (double) original.parameters() * BYTES_PER_ORIGINAL_WEIGHT;
        long parameters = candidate.weights().tensors().stream()
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
        return List.of(
                size(
                        Metric.SIZE,
                        (double) candidate.fileBytes(),
                        originalBytes,
                        "all files; baseline: the weights at 16 bits",
                        device),
                size(Metric.SIZE_RATIO, candidate.fileBytes() / originalBytes, 1, "", device),
                size(
                        Metric.BITS_PER_WEIGHT,
                        candidate.tensorBytes() * 8.0 / parameters,
                        16,
                        candidate.format() == Candidate.Format.LITERATURE
                                ? "codes, scales and what stays dense, without the dense values beside them"
                                : "",
                        device));
    }

    private static Measurement size(Metric metric, double value, double baseline, String note, Device device) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                OptionalDouble.of(baseline),
                metric.unit(),
                "",
                device,
                1,
                Optional.empty(),
                note);
    }

    /** What the numbers were computed with, where it is not what the files say. */
    private static String note(Candidate candidate) {
        if (candidate.format() == Candidate.Format.DENSE) {
            return "";
        }
        boolean rounded = candidate.weights().tensors().stream()
                .anyMatch(tensor ->
                        candidate.weights().inputRounding(tensor.name()).isPresent());
        return rounded
                ? "of the dequantized weights, inputs of linear modules rounded as the scheme says, all else in F32"
                : "of the dequantized weights, activations in F32";
    }

    private static List<Measurement> quality(QualityReport report, Candidate candidate, Device device, Digest dataset) {
        String runtime = TensorRuntime.start().description();
        String note = note(candidate);
        class Evidence {
            Measurement of(Metric metric, double value, OptionalDouble error, OptionalDouble baseline, long samples) {
                return new Measurement(
                        metric.wireName(),
                        OptionalDouble.of(value),
                        error,
                        baseline,
                        metric.unit(),
                        runtime,
                        device,
                        samples,
                        Optional.of(dataset),
                        note);
            }
        }
        Evidence evidence = new Evidence();
        OptionalDouble none = OptionalDouble.empty();
        return List.of(
                evidence.of(
                        Metric.PERPLEXITY,
                        report.candidatePerplexity(),
                        none,
                        OptionalDouble.of(report.originalPerplexity()),
                        report.scoredTokens()),
                evidence.of(
                        Metric.PERPLEXITY_INCREASE,
                        report.perplexityIncrease(),
                        OptionalDouble.of(report.perplexityIncreaseError()),
                        none,
                        report.windows()),
                evidence.of(
                        Metric.KL_DIVERGENCE,
                        report.klMean(),
                        OptionalDouble.of(report.klMeanError()),
                        none,
                        report.windows()),
                evidence.of(Metric.KL_DIVERGENCE_P99, report.klP99(), none, none, report.scoredTokens()),
                evidence.of(
                        Metric.SAME_TOP_TOKEN,
                        report.sameTopToken(),
                        OptionalDouble.of(report.sameTopTokenError()),
                        none,
                        report.windows()));
    }
}
