package io.millrace.pruner;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.events.Digest;
import io.millrace.events.Parameters.Neurons;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code neuron-report.json} beside the weights: what a ranking by activations saw, and which share of each layer's
 * importance its neurons keep.
 *
 * @param text digest of the calibration text
 * @param neurons of a layer, of which {@code kept} stay
 * @param shares by layer
 */
record NeuronReport(
        Digest text,
        Neurons.Activations windows,
        long seed,
        String engine,
        int neurons,
        int kept,
        List<Double> shares) {
    static final String FILE = "neuron-report.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    NeuronReport {
        shares = List.copyOf(shares);
    }

    long tokens() {
        return (long) windows.sequences() * windows.length();
    }

    double mean() {
        return shares.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }

    double least() {
        return shares.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    void write(Path folder) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", 1);
        root.put(Neurons.IMPORTANCE, Neurons.BY_ACTIVATIONS);
        root.put("statistic", "sum of h squared over all tokens, h = activation(gate(x)) * up(x)");
        root.put("text", text.hex());
        root.put("seed", seed);
        root.put(Neurons.SEQUENCES, windows.sequences());
        root.put(Neurons.LENGTH, windows.length());
        root.put("tokens", tokens());
        root.put("engine", engine);
        root.put("neurons", neurons);
        root.put("kept", kept);
        ArrayNode layers = root.putArray("layers");
        for (int layer = 0; layer < shares.size(); layer++) {
            layers.addObject().put("layer", layer).put("importance-kept", shares.get(layer));
        }
        Files.writeString(
                folder.resolve(FILE), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
    }
}
