package io.millrace.cli;

import java.time.Duration;
import java.util.Optional;

/**
 * How fast a share of the whole grows, and so how long the rest takes. It counts from the first share that was told, since
 * what went before, such as a list of all there is to do, says nothing of the pace; and anew when the share falls, which is
 * another part of the work.
 *
 * @param firstShare 0 to 1
 */
record Pace(double firstShare, long firstNanos, double share) {
    static final Pace NONE = new Pace(Double.NaN, 0, Double.NaN);

    /** Less tells nothing: the first files may be small, or there already. */
    private static final double LEAST_SHARE = 0.05;

    private static final long LEAST_NANOS = Duration.ofSeconds(3).toNanos();

    /** Of something so long that a little of it is much. */
    private static final double LITTLE_SHARE = 0.01;

    private static final long LONG_NANOS = Duration.ofMinutes(1).toNanos();

    Pace at(double now, long nanos) {
        // Also where there is none yet, since that is no number.
        return now >= share ? new Pace(firstShare, firstNanos, now) : new Pace(now, nanos, now);
    }

    /** Empty until it means something. */
    Optional<Duration> left(long nanos) {
        double grown = share - firstShare;
        long spent = nanos - firstNanos;
        boolean known =
                (grown >= LEAST_SHARE && spent >= LEAST_NANOS) || (grown >= LITTLE_SHARE && spent >= LONG_NANOS);
        return known ? Optional.of(Duration.ofNanos((long) (spent / grown * (1 - share)))) : Optional.empty();
    }
}
