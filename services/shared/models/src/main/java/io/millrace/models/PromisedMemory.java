package io.millrace.models;

import java.io.Closeable;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/**
 * Main memory that computations of this process were promised. They take it little by little, so what is free when another
 * one asks is theirs already in part: both would begin, and the kernel would end the process with both. Whoever does not
 * fit beside the others waits for one of them to end, and is refused only where it would not fit alone.
 */
public final class PromisedMemory {
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final PromisedMemory OF_THIS_PROCESS =
            new PromisedMemory(() -> TensorRuntime.start().availableMemory(), AvailableMemory::takenBytes);

    private final LongSupplier available;
    private final LongSupplier taken;
    private int standing;
    private long promised;
    private long takenBefore;

    /**
     * @param available bytes that may still be taken
     * @param taken bytes that this process holds
     */
    PromisedMemory(LongSupplier available, LongSupplier taken) {
        this.available = available;
        this.taken = taken;
    }

    public static PromisedMemory ofThisProcess() {
        return OF_THIS_PROCESS;
    }

    /** A plan that fits, and the promise of its memory, which ends when it is closed. */
    public final class Promise<P> implements Closeable {
        private final P plan;
        private long bytes;

        private Promise(P plan, long bytes) {
            this.plan = plan;
            this.bytes = bytes;
            standing++;
            promised += bytes;
        }

        public P plan() {
            return plan;
        }

        @Override
        public void close() {
            synchronized (PromisedMemory.this) {
                if (bytes >= 0) {
                    standing--;
                    promised -= bytes;
                    bytes = -1;
                    PromisedMemory.this.notifyAll();
                }
            }
        }
    }

    /**
     * @param plan of what to do with so many bytes; throws {@link NotEnoughMemoryException} where they are too few
     * @param size bytes that a plan takes
     * @param waiting told about once a second, while others have what this one needs, for how long it has waited
     */
    public synchronized <P> Promise<P> take(LongFunction<P> plan, ToLongFunction<P> size, Consumer<Duration> waiting)
            throws InterruptedException {
        long began = System.nanoTime();
        while (true) {
            if (standing == 0) {
                takenBefore = taken.getAsLong();
            }
            try {
                P fits = plan.apply(available.getAsLong() - outstanding());
                return new Promise<>(fits, size.applyAsLong(fits));
            } catch (NotEnoughMemoryException tooLittle) {
                if (standing == 0) {
                    throw tooLittle;
                }
            }
            waiting.accept(Duration.ofNanos(System.nanoTime() - began));
            wait(TICK.toMillis());
        }
    }

    /** What was promised and is not taken yet. */
    private long outstanding() {
        return Math.max(0, promised - Math.max(0, taken.getAsLong() - takenBefore));
    }
}
