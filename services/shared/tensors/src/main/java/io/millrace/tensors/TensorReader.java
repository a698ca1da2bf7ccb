package io.millrace.tensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * An opened tensor file or set of shards. A reader that exists is valid: every length, offset and name was checked
 * before its constructor returned, so {@link #rows} cannot leave the file.
 */
public interface TensorReader extends AutoCloseable {
    /** The tensors in the order of the file (shards in the order of their names). */
    List<TensorSpec> tensors();

    /**
     * The raw bytes of rows {@code [from, to)} of a tensor, little-endian, as a read-only view that is valid until
     * {@link #close}.
     */
    MemorySegment rows(String name, long from, long to) throws IOException;

    @Override
    void close() throws IOException;
}
