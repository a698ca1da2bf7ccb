package io.millrace.conductor.run;

import io.millrace.events.Job;
import io.millrace.events.JobRef;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * When a worker of each queue was last heard, so that a long queue is not taken for one that nobody works. Known to this
 * process alone, and forgotten with it: then a job waits a little longer for the word that nobody comes.
 */
public final class WorkedQueues {
    private final Map<Queue, Instant> heard = new ConcurrentHashMap<>();

    void heard(JobRef job, Instant now) {
        heard.put(Queue.of(job), now);
    }

    /**
     * When a worker of this job's queue was last heard, if that is less than {@code span} ago. So much ahead it is of a clock
     * that was ahead, and tells nothing.
     */
    Optional<Instant> lastWithin(Job job, Duration span, Instant now) {
        return Optional.ofNullable(heard.get(Queue.of(job)))
                .filter(at -> at.plus(span).isAfter(now) && at.minus(span).isBefore(now));
    }
}
