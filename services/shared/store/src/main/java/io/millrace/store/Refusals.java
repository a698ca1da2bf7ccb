package io.millrace.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;

/**
 * Conditional creates that were refused although nothing stands. A server may refuse everyone who comes at the same
 * moment; more often in a row it is no accident.
 */
final class Refusals {
    private static final int MOST = 20;
    private static final Duration PAUSE_STEP = Duration.ofMillis(10);

    private int seen;

    /** Waits a little longer each time. */
    void another(String key) throws IOException {
        if (++seen >= MOST) {
            throw new IOException(key + ": " + seen + " conditional writes in a row were refused or not answered, and"
                    + " nothing stands there; if this lasts, use a server whose conditional writes work");
        }
        try {
            MonotonicTime.SYSTEM.pause(PAUSE_STEP.multipliedBy(seen));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted between two conditional writes");
        }
    }
}
