package io.millrace.pruner.method;

import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole.Linear;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The importance of neuron i is the sum of the squares of row i of gate, row i of up and column i of down: all the weights
 * that leave with it. Sums are doubles in the order of the elements, so the ranking is the same everywhere.
 */
public final class WeightImportance implements NeuronImportance {
    private final Checkpoint source;
    private final int neurons;

    public WeightImportance(Checkpoint source) {
        this.source = source;
        this.neurons = source.config().feedForwardSize();
    }

    @Override
    public long visits() {
        return source.rules().stream()
                .filter(NeuronPruning::feedForward)
                .mapToLong(rule -> rule.shape().elements())
                .sum();
    }

    @Override
    public List<double[]> ofLayers(Visits visits) throws IOException, InterruptedException {
        List<double[]> layers = new ArrayList<>();
        for (int layer = 0; layer < source.config().layerCount(); layer++) {
            layers.add(ofLayer(layer, visits));
        }
        return layers;
    }

    private double[] ofLayer(int layer, Visits visits) throws IOException, InterruptedException {
        double[] importance = new double[neurons];
        int hidden = source.config().hiddenSize();
        for (Projection projection : List.of(Projection.GATE, Projection.UP, Projection.GATE_UP)) {
            Optional<String> matrix = source.architecture().find(layer, new Linear(projection));
            if (matrix.isEmpty()) {
                continue;
            }
            String name = matrix.get();
            RowBlocks.forEach(source, name, (from, count, floats) -> {
                addRows(floats, (int) from, count, hidden, importance);
                visits.add((long) count * hidden, name);
            });
        }
        String down = source.architecture().matrix(layer, Projection.DOWN);
        RowBlocks.forEach(source, down, (from, count, floats) -> {
            addColumns(floats, count, importance);
            visits.add((long) count * neurons, down);
        });
        return importance;
    }

    /**
     * Adds rows [count, rowLength] f32 of gate or up, the first of which is row {@code first}; where one matrix holds
     * gate and then up, the rows of up belong to the same neurons again.
     */
    private static void addRows(MemorySegment rows, int first, int count, int rowLength, double[] importance) {
        for (int row = 0; row < count; row++) {
            double sum = 0;
            for (int column = 0; column < rowLength; column++) {
                double weight = rows.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * rowLength + column);
                sum += weight * weight;
            }
            importance[(first + row) % importance.length] += sum;
        }
    }

    /** Adds rows [count, neurons] f32 of down: each column belongs to a neuron. */
    private static void addColumns(MemorySegment rows, int count, double[] importance) {
        for (int row = 0; row < count; row++) {
            for (int neuron = 0; neuron < importance.length; neuron++) {
                double weight =
                        rows.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * importance.length + neuron);
                importance[neuron] += weight * weight;
            }
        }
    }
}
