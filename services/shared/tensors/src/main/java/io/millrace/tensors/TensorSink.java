package io.millrace.tensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Takes the bytes of the planned tensors in the planned order, in pieces of any size. Closed without {@link #finish},
 * it leaves nothing behind.
 */
public interface TensorSink extends AutoCloseable {
    void append(MemorySegment bytes) throws IOException;

    /** Checks that every planned byte came, forces the files to disk and gives them their final names. */
    void finish() throws IOException;

    @Override
    void close() throws IOException;
}
