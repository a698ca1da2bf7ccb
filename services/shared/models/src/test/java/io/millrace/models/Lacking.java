package io.millrace.models;

import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A source whose list of tensors lacks one, or describes it otherwise. */
record Lacking(WeightSource from, String name, @Nullable TensorSpec instead) implements WeightSource {
    @Override
    public ModelConfig config() {
        return from.config();
    }

    @Override
    public List<TensorSpec> tensors() {
        List<TensorSpec> tensors = new ArrayList<>(from.tensors());
        tensors.removeIf(spec -> spec.name().equals(name));
        if (instead != null) {
            tensors.add(instead);
        }
        return tensors;
    }

    @Override
    public void read(String tensor, long begin, long end, MemorySegment destination) throws IOException {
        from.read(tensor, begin, end, destination);
    }

    @Override
    public void close() {}
}
