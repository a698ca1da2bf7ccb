package io.millrace.cli.compress;

import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters.Benchmark;
import io.millrace.events.Parameters.Gguf;
import io.millrace.events.Parameters.Quantize;
import io.millrace.events.Role;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.tensors.format.gguf.GgufPartName;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/** Runs the pipeline's stages on one checkpoint, one target after the other. */
public final class Compressor {
    /** Beside the metrics of a measurement: the perplexity of the checkpoint itself. */
    public static final String ORIGINAL_PERPLEXITY = "original-perplexity";

    private final Path model;
    private final Path out;
    private final Optional<Path> importance;
    private final QuantizeStage stage;
    private final LongSupplier nanoTime;
    private final TargetFolder.Listener listener;

    /** How a target ended. */
    public sealed interface Outcome {
        /**
         * It is there.
         *
         * @param file the model: a GGUF file, or the folder
         * @param bytes of the whole folder
         * @param relativeError root mean square of the tensors' own, each counted as often as it has weights
         * @param largestError of a single tensor
         * @param quality what was measured, by metric; empty if nothing was
         * @param notMeasured why nothing was, though it was asked for
         * @param note what whoever runs the model has to know of it
         */
        record Made(
                String target,
                Path folder,
                Path file,
                long bytes,
                double bitsPerWeight,
                double relativeError,
                double largestError,
                String largestErrorTensor,
                double seconds,
                Map<String, Double> quality,
                Optional<String> notMeasured,
                Optional<String> note)
                implements Outcome {}

        /**
         * It cannot be made. Others may all the same, also where the checkpoint is at fault: one format wants a tokenizer
         * that another only copies.
         */
        record Refused(String target, String reason, String message) implements Outcome {}
    }

    /**
     * @param importance a file that says how strongly the model's columns are used; GGUF files are made with it
     * @param threads that compute
     */
    public Compressor(
            Path model,
            Path out,
            Optional<Path> importance,
            int threads,
            LongSupplier nanoTime,
            TargetFolder.Listener listener) {
        this.model = model;
        this.out = out;
        this.importance = importance;
        this.stage = new QuantizeStage(threads);
        this.nanoTime = nanoTime;
        this.listener = listener;
    }

    /** Makes one target; interrupted or failed, it leaves nothing of it. */
    public Outcome run(CompressionTarget target) throws IOException, InterruptedException {
        long startNanos = nanoTime.getAsLong();
        Path folder = out.resolve(target.folderName());
        try (TargetFolder work = TargetFolder.open(out, target.folderName(), listener)) {
            StageInput<Quantize> input = new StageInput<>(inputs(target, work), target.parameters(), 0, Device.CPU);
            StageOutput made = stage.run(input, work);
            TensorErrors errors = TensorErrors.read(made.folder());
            Path picture = Files.writeString(
                    work.folder().resolve("errors.svg"),
                    ErrorPicture.draw(model.getFileName() + ", " + target, errors));
            TargetFolder.publish(made.folder(), folder);
            TargetFolder.publish(picture, out.resolve(target.folderName() + ".svg"));
            double seconds = (nanoTime.getAsLong() - startNanos) / 1e9;
            return new Outcome.Made(
                    target.toString(),
                    folder,
                    modelIn(folder),
                    bytes(folder),
                    errors.bitsPerWeight(),
                    errors.relativeError(),
                    errors.worst().map(TensorErrors.Entry::relativeError).orElse(0.0),
                    errors.worst().map(TensorErrors.Entry::name).orElse(""),
                    seconds,
                    Map.of(),
                    Optional.empty(),
                    errors.note());
        } catch (StageException e) {
            Failure failure = e.failure();
            return new Outcome.Refused(target.toString(), failure.reason().code(), failure.message());
        }
    }

    private Map<Role, Path> inputs(CompressionTarget target, TargetFolder work) throws IOException {
        if (importance.isEmpty() || !(target.parameters() instanceof Gguf)) {
            return Map.of(Role.MODEL, model);
        }
        Path folder = Files.createDirectory(work.folder().resolve("importance"));
        Files.copy(importance.get(), folder.resolve(importance.get().getFileName()));
        return Map.of(Role.MODEL, model, Role.IMPORTANCE, folder);
    }

    /** Measures what was made against the checkpoint, as the benchmark of a pipeline would. */
    public Outcome.Made measure(Outcome.Made made, EvaluationText text) throws IOException, InterruptedException {
        String name = String.valueOf(made.folder().getFileName());
        try (TargetFolder work = TargetFolder.open(out, name, listener)) {
            Path textFolder = Files.createDirectory(work.folder().resolve("text"));
            Files.copy(text.file(), textFolder.resolve("evaluation.txt"));
            Map<Role, Path> inputs =
                    Map.of(Role.ORIGINAL, model, Role.MODEL, made.folder(), Role.EVALUATION_TEXT, textFolder);
            StageInput<Benchmark> input = new StageInput<>(inputs, text.parameters(), 0, Device.CPU);
            StageOutput report = BenchmarkStage.againstAny().run(input, work);
            TargetFolder.publish(report.folder().resolve("benchmark.json"), out.resolve(name + ".quality.json"));
            return withQuality(made, report.measurements());
        } catch (StageException e) {
            return with(made, Map.of(), Optional.of(e.failure().message()));
        }
    }

    private static Outcome.Made withQuality(Outcome.Made made, List<Measurement> measurements) {
        Map<String, Double> quality = new LinkedHashMap<>();
        Optional<String> missing = Optional.empty();
        for (Measurement measurement : measurements) {
            measurement.value().ifPresent(value -> quality.put(measurement.metric(), value));
            if (!measurement.measured()) {
                missing = Optional.of(measurement.note());
            }
            if (measurement.metric().equals(Metric.PERPLEXITY.wireName())) {
                measurement.baseline().ifPresent(value -> quality.put(ORIGINAL_PERPLEXITY, value));
            }
        }
        return with(made, quality, missing);
    }

    private static Outcome.Made with(Outcome.Made made, Map<String, Double> quality, Optional<String> notMeasured) {
        return new Outcome.Made(
                made.target(),
                made.folder(),
                made.file(),
                made.bytes(),
                made.bitsPerWeight(),
                made.relativeError(),
                made.largestError(),
                made.largestErrorTensor(),
                made.seconds(),
                quality,
                notMeasured,
                made.note());
    }

    private static Path modelIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> ggufs = files.filter(file -> file.toString().endsWith(GgufPartName.ENDING))
                    .toList();
            return ggufs.isEmpty() ? folder : GgufPartName.modelIn(ggufs).orElse(folder);
        }
    }

    private static long bytes(Path folder) throws IOException {
        long bytes = 0;
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }
}
