package io.millrace.store;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** This process's own clock, which only ever runs forward and says nothing of the time of day. */
public interface MonotonicTime {
    MonotonicTime SYSTEM = new MonotonicTime() {
        @Override
        public long nanos() {
            return System.nanoTime();
        }

        @Override
        public void pause(Duration duration) throws InterruptedException {
            TimeUnit.NANOSECONDS.sleep(duration.toNanos());
        }
    };

    long nanos();

    void pause(Duration duration) throws InterruptedException;
}
