package io.millrace.models;

import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The weights of another source, which stays its owner's, and what is said here of the inputs of each. */
public record RoundedInputs(WeightSource from, Function<String, Optional<InputRounding>> rounding)
        implements WeightSource {
    @Override
    public ModelConfig config() {
        return from.config();
    }

    @Override
    public List<TensorSpec> tensors() {
        return from.tensors();
    }

    @Override
    public void read(String name, long first, long to, MemorySegment destination) throws IOException {
        from.read(name, first, to, destination);
    }

    @Override
    public Optional<InputRounding> inputRounding(String name) {
        return rounding.apply(name);
    }

    @Override
    public void close() {}
}
