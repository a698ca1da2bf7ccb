package io.millrace.tensors;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A language model's weights as F32 numbers under their Hugging Face names and shapes, whatever format holds them: a
 * dense folder, a compressed-tensors folder or a GGUF file (whose q/k permutation is undone). This is what a forward
 * pass reads.
 */
public interface WeightSource extends AutoCloseable {
    ModelConfig config();

    /** Every tensor with its Hugging Face name and logical shape; the encoding says how the file stores it. */
    List<TensorSpec> tensors();

    /** Widens rows {@code [from, to)} of a tensor to F32, native byte order, at the start of {@code destination}. */
    void read(String name, long from, long to, MemorySegment destination) throws IOException;

    /**
     * How those who run the model round the inputs of the linear map with this weight, so that its numbers alone do not
     * say how good the model is; empty where they compute with the inputs as they come.
     */
    default Optional<InputRounding> inputRounding(String name) {
        return Optional.empty();
    }

    @Override
    void close() throws IOException;
}
