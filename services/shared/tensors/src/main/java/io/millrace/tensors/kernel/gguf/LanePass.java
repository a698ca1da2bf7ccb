package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.util.List;

/**
 * One pass over the columns {@code [lane, lane + vector length)} of a batch of {@value #COLUMNS} sub-blocks.
 *
 * <p>All passes are called from one place on purpose: a call with many targets is never inlined, so the compiler
 * compiles each pass by itself. Inlined into one another they exceed the nodes that it grants a method, vectors then
 * live on the heap, and the rate falls to a tenth.
 *
 * <p>A pass runs over all columns before the next one begins: what it adds up ends in a chain of dependent operations,
 * which the processor overlaps with the sums of the next vector. So a batch has at least two vectors of columns.
 */
@FunctionalInterface
interface LanePass<T> {
    int COLUMNS = 32;

    void run(T state, int lane);

    /** @param columns in use, from the first on */
    static <T> void runAll(List<LanePass<T>> passes, T state, int columns) {
        for (int i = 0; i < passes.size(); i++) {
            LanePass<T> pass = passes.get(i);
            for (int lane = 0; lane < columns; lane += Lanes.FLOATS.length()) {
                pass.run(state, lane);
            }
        }
    }
}
