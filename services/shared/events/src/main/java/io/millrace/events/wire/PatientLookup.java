package io.millrace.events.wire;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.apache.avro.Schema;

/**
 * Waits a little for a schema that is not there yet: where topics are mirrored, a record may come before the schema that its
 * writer published first. It waits for each fingerprint once, and seldom for any, so that made-up ones hold nobody up.
 * Safe for use by many threads.
 */
public final class PatientLookup implements SchemaLookup {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long BETWEEN_WAITS_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final int MOST_REMEMBERED = 1000;

    private final SchemaLookup lookup;
    private final long patienceNanos;
    private final LongSupplier nanoTime;
    private final LongConsumer pause;
    private final Set<Long> awaited = new LinkedHashSet<>();
    private Optional<Long> lastWait = Optional.empty();

    /** @param patience for one schema */
    public PatientLookup(SchemaLookup lookup, Duration patience) {
        this(lookup, patience, System::nanoTime, PatientLookup::sleep);
    }

    PatientLookup(SchemaLookup lookup, Duration patience, LongSupplier nanoTime, LongConsumer pause) {
        this.lookup = lookup;
        this.patienceNanos = patience.toNanos();
        this.nanoTime = nanoTime;
        this.pause = pause;
    }

    @Override
    public synchronized Optional<Schema> find(long fingerprint) {
        Optional<Schema> found = lookup.find(fingerprint);
        if (found.isPresent() || !mayWait(fingerprint)) {
            return found;
        }
        long endNanos = nanoTime.getAsLong() + patienceNanos;
        while (found.isEmpty()
                && endNanos - nanoTime.getAsLong() > 0
                && !Thread.currentThread().isInterrupted()) {
            pause.accept(PAUSE_NANOS);
            found = lookup.find(fingerprint);
        }
        lastWait = Optional.of(nanoTime.getAsLong());
        return found;
    }

    private boolean mayWait(long fingerprint) {
        boolean often = lastWait.filter(last -> nanoTime.getAsLong() - last < BETWEEN_WAITS_NANOS)
                .isPresent();
        return !often && awaited.size() < MOST_REMEMBERED && awaited.add(fingerprint);
    }

    private static void sleep(long nanos) {
        try {
            TimeUnit.NANOSECONDS.sleep(nanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
