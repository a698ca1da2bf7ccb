package io.millrace.pruner.method;

import io.millrace.models.NeuronActivity;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole.Linear;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The importance of neuron i is Σ h² · ‖column i of down‖², h being what the neuron puts into down at each token of a
 * text: the square of all that the layer's output loses with it.
 */
public final class ActivationImportance implements NeuronImportance {
    private final Checkpoint source;
    private final int[][] windows;

    /** @param windows token ids, all windows of one length */
    public ActivationImportance(Checkpoint source, int[][] windows) {
        this.source = source;
        this.windows = windows;
    }

    /** Each window visits the weights of every layer, and down is read once more. */
    @Override
    public long visits() {
        return windows.length * ofLayersAlone() + ofDown();
    }

    @Override
    public List<double[]> ofLayers(Visits visits) throws IOException, InterruptedException {
        int layers = source.config().layerCount();
        long perPass = ofLayersAlone() / layers;
        List<double[]> squares =
                NeuronActivity.squares(source, windows, (done, total, what) -> visits.add(perPass, what));
        List<double[]> importance = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            double[] columns = new double[source.config().feedForwardSize()];
            WeightImportance.addColumns(source, layer, columns, visits);
            double[] ofText = squares.get(layer);
            for (int neuron = 0; neuron < columns.length; neuron++) {
                columns[neuron] *= ofText[neuron];
            }
            importance.add(columns);
        }
        return importance;
    }

    private long ofLayersAlone() {
        return source.rules().stream()
                .filter(rule -> rule.layer().isPresent())
                .mapToLong(rule -> rule.shape().elements())
                .sum();
    }

    private long ofDown() {
        return source.rules().stream()
                .filter(rule -> rule.role() instanceof Linear(Projection p) && p == Projection.DOWN)
                .mapToLong(rule -> rule.shape().elements())
                .sum();
    }
}
