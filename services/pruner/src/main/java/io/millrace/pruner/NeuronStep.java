package io.millrace.pruner;

import io.millrace.events.Measurement;
import io.millrace.events.Parameters.Neurons;
import io.millrace.events.Parameters.Prune;
import io.millrace.events.Reason;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.pruner.method.ActivationImportance;
import io.millrace.pruner.method.NeuronPruning;
import io.millrace.pruner.method.WeightImportance;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.CalibrationText;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Removes neurons. The tensor engine starts only where a text is run through the model to rank them. */
final class NeuronStep {
    /** As in a distill step's first batch. */
    private static final long FIRST_BATCH = 1;

    private final Checkpoint source;
    private final Neurons parameters;
    private final StageInput<Prune> input;
    private final Workspace workspace;

    NeuronStep(Checkpoint source, Neurons parameters, StageInput<Prune> input, Workspace workspace) {
        this.source = source;
        this.parameters = parameters;
        this.input = input;
        this.workspace = workspace;
    }

    /** Writes the narrower model; answers what a ranking by activations rests on. */
    List<Measurement> write(Path output) throws StageException, IOException, InterruptedException {
        requireSuitable();
        if (parameters.activations().isPresent()) {
            return List.of(byActivations(parameters.activations().get(), output));
        }
        new NeuronPruning(source, parameters, new WeightImportance(source), workspace::progress).write(output);
        return List.of();
    }

    private void requireSuitable() throws StageException {
        if (source.config().experts().isPresent()) {
            throw new StageException(
                    Reason.UNSUITABLE_SHAPE,
                    "this model (" + source.architecture().className() + ") has "
                            + source.config().experts().get().count()
                            + " experts per layer, and neurons of experts cannot be removed; prune it by"
                            + " magnitude, or leave this step out");
        }
        int neurons = source.config().feedForwardSize();
        if (parameters.kept(neurons) == neurons) {
            throw new StageException(
                    Reason.UNSUITABLE_SHAPE,
                    "removing " + parameters.fraction() + " of " + neurons
                            + " neurons leaves all of them once the width is a multiple of " + parameters.multipleOf()
                            + "; ask for a larger fraction or another type");
        }
    }

    private Measurement byActivations(Neurons.Activations activations, Path output)
            throws StageException, IOException, InterruptedException {
        CalibrationText text =
                CalibrationText.of(input, "a prune step by activations needs a text", Tokenizer::refusal);
        int[][] windows = windows(text.text(), activations);
        // Else a weight that is no number would be told as an activation that is none.
        source.requireFinite();
        ActivationImportance importance = new ActivationImportance(source, windows);
        List<Double> shares = prune(importance, output);
        NeuronReport report = new NeuronReport(
                text.digest(),
                activations,
                input.seed(),
                TensorRuntime.start().description(),
                source.config().feedForwardSize(),
                parameters.kept(source.config().feedForwardSize()),
                shares);
        report.write(output);
        return measurement(report);
    }

    private List<Double> prune(ActivationImportance importance, Path output)
            throws StageException, IOException, InterruptedException {
        try {
            return new NeuronPruning(source, parameters, importance, workspace::progress).write(output);
        } catch (ArithmeticException e) {
            boolean made = source.metadata().containsKey(Checkpoint.MADE);
            throw new StageException(
                    made ? Reason.CANDIDATE_NOT_FINITE : Reason.NOT_FINITE,
                    e.getMessage() + " on the text under 'calibrate' in the policy; a model with such weights cannot"
                            + " be served",
                    e);
        }
    }

    private int[][] windows(String text, Neurons.Activations activations) throws StageException, IOException {
        int length = activations.length();
        if (length > source.config().maxPositions()) {
            throw new StageException(
                    Reason.UNSUITABLE_SHAPE,
                    "windows of " + length + " tokens, but the model has "
                            + source.config().maxPositions() + " positions; lower 'length'");
        }
        try (Tokenizer tokenizer = Tokenizer.open(source.folder())) {
            TokenStream stream = TokenStream.of(tokenizer, text);
            stream.requireBelow(source.config().vocabularySize());
            CalibrationText.requireTokens(stream.tokens().length, length);
            return stream.batch(input.seed(), FIRST_BATCH, activations.sequences(), length);
        }
    }

    private Measurement measurement(NeuronReport report) {
        return new Measurement(
                "neuron-importance-kept",
                OptionalDouble.of(report.mean()),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                "",
                report.engine(),
                input.device(),
                report.tokens(),
                Optional.of(report.text()),
                "share of the squares of all activations that the neurons that stay have, mean of the layers; in the"
                        + " layer that loses most " + report.least());
    }
}
