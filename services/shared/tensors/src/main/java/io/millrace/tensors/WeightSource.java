package io.millrace.tensors;

import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

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
     * Whether whoever runs the model rounds the inputs of its linear modules too, so that these weights alone do not say
     * how good it is.
     */
    default boolean roundsInputs() {
        return false;
    }

    @Override
    void close() throws IOException;
}
