package io.millrace.tensors.format.compressed;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Arrays that the blocks of a tensor use again after each other. Left to the collector, those that outlive a young
 * generation fill the old one, which grows instead of being swept.
 */
final class BlockBuffers {
    /** Smaller ones are no burden. */
    private static final int LEAST_BYTES = 1 << 14;

    private final Map<Integer, Queue<byte[]>> idle = new ConcurrentHashMap<>();

    /** All zeros. */
    byte[] take(int length) {
        byte[] found = length < LEAST_BYTES ? null : idle(length).poll();
        if (found == null) {
            return new byte[length];
        }
        Arrays.fill(found, (byte) 0);
        return found;
    }

    /** Nobody looks at it any more. */
    void give(byte[] array) {
        if (array.length >= LEAST_BYTES) {
            idle(array.length).add(array);
        }
    }

    /** The arrays behind a block that was written. */
    void give(ModuleLayout.Block block) {
        for (ModuleLayout.Part part : block.parts()) {
            if (part.bytes().heapBase().orElse(null) instanceof byte[] array) {
                give(array);
            }
        }
    }

    MemorySegment segment(int length) {
        return MemorySegment.ofArray(take(length));
    }

    private Queue<byte[]> idle(int length) {
        return idle.computeIfAbsent(length, _ -> new ConcurrentLinkedQueue<>());
    }
}
