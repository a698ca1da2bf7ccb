package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Fills weights from a source, straight into the engine's memory. */
final class WeightLoader implements WeightFiller {
    private final WeightSource source;
    private final Map<String, TensorSpec> present = new HashMap<>();
    private final Map<String, InputRounding> roundings = new HashMap<>();

    WeightLoader(WeightSource source) {
        this.source = source;
        for (TensorSpec spec : source.tensors()) {
            present.put(spec.name(), spec);
            source.inputRounding(spec.name()).ifPresent(rounding -> roundings.put(spec.name(), rounding));
        }
    }

    /** How inputs of linear maps are rounded, by the name of the weight. */
    Map<String, InputRounding> roundings() {
        return Map.copyOf(roundings);
    }

    /** These weights and what is known of their inputs. */
    WeightTable load(NDManager scope, List<TensorSpec> specs) throws IOException {
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (TensorSpec spec : specs) {
            weights.put(spec.name(), fill(scope, spec));
        }
        return new WeightTable(weights, roundings);
    }

    @Override
    public NDArray fill(NDManager scope, TensorSpec spec) throws IOException {
        TensorSpec found = present.get(spec.name());
        if (found == null) {
            throw new IllegalArgumentException("the checkpoint has no tensor '" + spec.name() + "' " + spec.shape()
                    + ", which its config.json asks for");
        }
        if (!found.shape().equals(spec.shape())) {
            throw new IllegalArgumentException("tensor '" + spec.name() + "' has shape " + found.shape()
                    + "; config.json asks for " + spec.shape());
        }
        NDArray weight = TensorRuntime.allocate(scope, DataType.FLOAT32, EngineTensors.shape(spec.shape()));
        EngineTensors.write(weight, (from, to, bytes) -> source.read(spec.name(), from, to, bytes));
        return weight;
    }
}
