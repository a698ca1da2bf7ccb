package io.millrace.cli.demo;

import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Weights of which the first row of one matrix is twice what it should be, as a reader with a wrong scale gives it. */
record DoubledRow(WeightSource from, String name) implements WeightSource {
    @Override
    public ModelConfig config() {
        return from.config();
    }

    @Override
    public List<TensorSpec> tensors() {
        return from.tensors();
    }

    @Override
    public void read(String tensor, long first, long end, MemorySegment destination) throws IOException {
        from.read(tensor, first, end, destination);
        if (!tensor.equals(name) || first > 0) {
            return;
        }
        long rowLength = tensors().stream()
                .filter(spec -> spec.name().equals(name))
                .findFirst()
                .orElseThrow()
                .shape()
                .rowLength();
        for (long i = 0; i < rowLength; i++) {
            long at = i * Float.BYTES;
            destination.set(
                    ValueLayout.JAVA_FLOAT_UNALIGNED, at, 2 * destination.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at));
        }
    }

    /** The weights stay their owner's. */
    @Override
    public void close() {}
}
