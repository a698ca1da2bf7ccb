package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/** Keys and values of the positions that one sequence has seen, so that each new token costs one position. */
public final class KeyValueCache implements AutoCloseable {
    private final NDManager scope;
    private final int capacity;
    private final List<NDArray> keys = new ArrayList<>(); // per layer [1, keyValueHeads, capacity, headSize]
    private final List<NDArray> values = new ArrayList<>(); // likewise
    private int length;

    KeyValueCache(TensorRuntime runtime, ModelConfig config, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("a cache of " + capacity + " positions; expected at least 1");
        }
        this.capacity = capacity;
        scope = runtime.scope();
        Shape shape = new Shape(1, config.keyValueHeadCount(), capacity, config.headSize());
        try {
            for (int layer = 0; layer < config.layerCount(); layer++) {
                keys.add(scope.zeros(shape, DataType.FLOAT32));
                values.add(scope.zeros(shape, DataType.FLOAT32));
            }
        } catch (RuntimeException | Error problem) {
            scope.close();
            throw problem;
        }
    }

    /** Positions seen so far. */
    public int length() {
        return length;
    }

    /** Positions that fit. */
    int capacity() {
        return capacity;
    }

    /** Forgets the sequence and keeps the memory. */
    public void clear() {
        length = 0;
    }

    void requireRoom(int tokens) {
        if (length + tokens > capacity) {
            throw new IllegalArgumentException(
                    length + " positions are cached and " + tokens + " more do not fit in " + capacity);
        }
    }

    /** Stores keys [1, keyValueHeads, n, headSize] behind those of a layer; answers all of them. */
    NDArray appendKeys(int layer, NDArray fresh) {
        return append(keys.get(layer), fresh);
    }

    NDArray appendValues(int layer, NDArray fresh) {
        return append(values.get(layer), fresh);
    }

    private NDArray append(NDArray held, NDArray fresh) {
        long until = length + fresh.getShape().get(2);
        held.set(new NDIndex().addAllDim(2).addSliceDim(length, until), fresh);
        NDArray all = held.get(new NDIndex().addAllDim(2).addSliceDim(0, until));
        all.attach(fresh.getManager());
        return all;
    }

    void advance(int tokens) {
        length += tokens;
    }

    @Override
    public void close() {
        scope.close();
    }
}
