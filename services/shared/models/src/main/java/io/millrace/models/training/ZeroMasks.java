package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.HashMap;
import java.util.Map;

/**
 * Keeps pruned weights at zero. The mask is laid
 * on the gradient before the optimizer sees it, so Adam's moments stay zero there, and with them the update and the
 * decay; a masked weight never moves at all.
 */
final class ZeroMasks {
    private final Map<String, NDArray> keep = new HashMap<>(); // 1 where a weight may move, shaped like it, f32

    private ZeroMasks() {}

    /** Masks of the matrices that keep theirs. */
    static ZeroMasks of(Map<String, NDArray> weights, KeptZeros kept, NDManager scope) {
        ZeroMasks masks = new ZeroMasks();
        if (kept == KeptZeros.NONE) {
            return masks;
        }
        weights.forEach((name, weight) -> {
            if (weight.getShape().dimension() == 2) {
                NDArray moves;
                try (NDManager work = scope.newSubManager()) {
                    NDArray source = weight.toType(DataType.FLOAT32, true);
                    source.attach(work);
                    moves = source.neq(0).toType(DataType.FLOAT32, false);
                    double zeros = 1 - moves.mean().getFloat();
                    if (moves.min().getFloat() == 0 && kept.keeps(zeros)) {
                        moves.attach(scope);
                        masks.keep.put(name, moves);
                    }
                }
            }
        });
        return masks;
    }

    void apply(String name, NDArray gradient) {
        NDArray mask = keep.get(name);
        if (mask != null) {
            gradient.muli(mask);
        }
    }

    int count() {
        return keep.size();
    }
}
