package io.millrace.pruner.method;

import io.millrace.models.NeuronActivity;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.util.List;

/**
 * The importance of neuron i is Σ h², h being what the neuron puts into down at each token of a text. It ranks as the L2
 * norm does, whose square it is.
 */
public final class ActivationImportance implements NeuronImportance {
    private final Checkpoint source;
    private final int[][] windows;

    /** @param windows token ids, all windows of one length */
    public ActivationImportance(Checkpoint source, int[][] windows) {
        this.source = source;
        this.windows = windows;
    }

    /** Each window visits the weights of every layer. */
    @Override
    public long visits() {
        return windows.length * (long) source.config().layerCount() * perLayer();
    }

    @Override
    public List<double[]> ofLayers(Visits visits) throws IOException, InterruptedException {
        long perLayer = perLayer();
        return NeuronActivity.squares(source, windows, (done, total, what) -> visits.add(perLayer, what));
    }

    /** On the average: layers of one model are alike. */
    private long perLayer() {
        return source.rules().stream()
                        .filter(rule -> rule.layer().isPresent())
                        .mapToLong(rule -> rule.shape().elements())
                        .sum()
                / source.config().layerCount();
    }
}
