package io.millrace.models;

import ai.djl.ndarray.NDArray;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/** The weights of a running model, readable like those of a file. */
record ModelWeights(ModelConfig config, WeightTable weights) implements WeightSource {
    @Override
    public List<TensorSpec> tensors() {
        return DecoderLayout.tensors(config);
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws IOException {
        NDArray weight = weights.require(name);
        var shape = EngineTensors.shape(weight);
        Objects.checkFromToIndex(from, to, shape.rows());
        long rowBytes = shape.rowLength() * Float.BYTES;
        EngineTensors.read(
                weight,
                from,
                to,
                (first, end, bytes) ->
                        MemorySegment.copy(bytes, 0, destination, (first - from) * rowBytes, (end - first) * rowBytes));
    }

    /** Nothing to close: the model owns the memory. */
    @Override
    public void close() {}
}
