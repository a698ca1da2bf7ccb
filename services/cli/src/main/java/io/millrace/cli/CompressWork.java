package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.cli.compress.Compressor;
import io.millrace.cli.compress.Compressor.Outcome;
import io.millrace.cli.compress.EvaluationText;
import io.millrace.events.Parameters.CompressedTensors;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Makes one target after the other, and tells of each as soon as it is there. */
final class CompressWork {
    private final Output output;
    private final ProgressLine progress;
    private final Compressor compressor;
    private final Optional<EvaluationText> evaluation;
    private final Set<String> said = new HashSet<>();

    /** @param evaluation what each result is measured on */
    CompressWork(Output output, ProgressLine progress, Compressor compressor, Optional<EvaluationText> evaluation) {
        this.output = output;
        this.progress = progress;
        this.compressor = compressor;
        this.evaluation = evaluation;
    }

    /**
     * Of a multimodal model most formats hold the text model alone, and of an embedding model none holds the weights
     * behind the language model.
     */
    static void remarkLost(Output output, Set<CompressionTarget> wanted, CompressFiles.Weights weights) {
        remarkLeftOut(output, wanted, weights.seeing());
        weights.lostModules().ifPresent(output::remark);
    }

    /** Losses count from what lies in the folder, which may have lost before. */
    static void remarkMade(Output output, Path model, CompressFiles.Weights weights) {
        weights.madeBy()
                .ifPresent(stage -> output.remark(model + " was made by '" + stage
                        + "': errors and quality count from its weights, not from those that it was made of"));
    }

    private static void remarkLeftOut(Output output, Set<CompressionTarget> wanted, List<TensorSpec> seeing) {
        String targets = wanted.stream()
                .filter(target -> !(target.parameters() instanceof CompressedTensors))
                .map(CompressionTarget::toString)
                .collect(Collectors.joining(", "));
        if (!seeing.isEmpty() && !targets.isEmpty()) {
            output.remark(targets + ": the text model alone; " + seeing.size() + " tensors with which it sees ("
                    + Text.bytes(seeing.stream().mapToLong(TensorSpec::byteSize).sum())
                    + ") are left out, and compressed-tensors keeps them");
        }
    }

    /** Adds each target to one of the two lists. */
    void run(Set<CompressionTarget> wanted, List<Outcome.Made> made, List<Outcome.Refused> refused)
            throws IOException, InterruptedException {
        for (CompressionTarget target : wanted) {
            progress.begin(target.toString());
            Outcome outcome = compressor.run(target);
            progress.clear();
            switch (outcome) {
                case Outcome.Made done -> {
                    output.remark(target + ": " + Text.bytes(done.bytes()) + " in "
                            + String.format(Locale.ROOT, "%.1f", done.seconds()) + " s, in " + done.folder());
                    done.note().ifPresent(note -> remarkOnce(target, note));
                    made.add(done);
                    if (evaluation.isPresent()) {
                        made.set(made.size() - 1, measured(done, evaluation.get()));
                        progress.clear();
                    }
                }
                case Outcome.Refused failed -> {
                    output.remark(target + ": " + failed.message());
                    refused.add(failed);
                }
            }
        }
    }

    /** The files of one format lack the same. */
    private void remarkOnce(CompressionTarget target, String note) {
        String remark = target.parameters().name() + ": " + note;
        if (said.add(remark)) {
            output.remark(remark);
        }
    }

    private Outcome.Made measured(Outcome.Made done, EvaluationText text) throws IOException, InterruptedException {
        progress.begin(done.target() + ", measuring");
        return compressor.measure(done, text);
    }
}
