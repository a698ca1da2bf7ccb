package io.millrace.store;

import java.time.Duration;

/** A clock that moves by what is waited, at once. */
class PassingTime implements MonotonicTime {
    private long nanos;

    @Override
    public synchronized long nanos() {
        return nanos;
    }

    @Override
    public synchronized void pause(Duration duration) {
        nanos += duration.toNanos();
    }
}
