package io.millrace.conductor.run;

import java.time.Duration;

/**
 * How long and how often things may take.
 *
 * @param queue time in the queue before the same attempt is issued again
 * @param unattended time in the queue before the run says that nobody works it
 * @param signOfLife time between two words of a worker before its attempt counts as lost
 * @param attempts per job and request
 * @param firstPause of a back-off that doubles
 * @param longestPause where the doubling ends
 * @param abandonedKept how long a cancelled job is remembered: longer than its cancellation, which Kafka keeps for up to 15
 *     days
 * @param endedKept how long an ended run is remembered
 */
public record Limits(
        Duration queue,
        Duration unattended,
        Duration signOfLife,
        int attempts,
        Duration firstPause,
        Duration longestPause,
        Duration abandonedKept,
        Duration endedKept) {
    public static final Limits DEFAULT = new Limits(
            Duration.ofDays(7),
            Duration.ofMinutes(10),
            Duration.ofMinutes(2),
            3,
            Duration.ofSeconds(1),
            Duration.ofMinutes(5),
            Duration.ofDays(16),
            Duration.ofDays(90));

    public Limits {
        if (unattended.compareTo(queue) >= 0) {
            throw new IllegalArgumentException("a queue is called unattended after " + unattended
                    + ", which must be less than its limit of " + queue);
        }
        if (attempts < 1) {
            throw new IllegalArgumentException("a job has at least one attempt, found " + attempts);
        }
    }
}
