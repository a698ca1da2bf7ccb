package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.util.List;

/**
 * One pass over the columns {@code [lane, lane + vector length)} of a batch of 16 sub-blocks.
 *
 * <p>All passes are called from one place on purpose: a call with many targets is never inlined, so the compiler
 * compiles each pass by itself. Inlined into one another they exceed the nodes that it grants a method, vectors then
 * live on the heap, and the rate falls to a tenth.
 */
@FunctionalInterface
interface LanePass<T> {
    int COLUMNS = 16;

    void run(T state, int lane);

    static <T> void runAll(List<LanePass<T>> passes, T state) {
        for (int lane = 0; lane < COLUMNS; lane += Lanes.FLOATS.length()) {
            for (int i = 0; i < passes.size(); i++) {
                passes.get(i).run(state, lane);
            }
        }
    }
}
