package io.millrace.conductor.run;

import io.millrace.events.Job;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Queues that lost what was in them, since someone deleted their topics. A job that was put there before, and that
 * nobody has begun, is in no queue any more. Known to this process alone.
 */
public final class LostQueues {
    private final Set<Queue> watched = ConcurrentHashMap.newKeySet();
    private final Set<Queue> standing = ConcurrentHashMap.newKeySet();
    private final Map<Queue, Instant> lostAt = new ConcurrentHashMap<>();
    private volatile Instant last = Instant.EPOCH;

    /** Jobs go into this queue from now on. */
    public void watch(Queue queue) {
        watched.add(queue);
    }

    /** Jobs were put into this queue before this process began, so that it cannot be unused. */
    public void standing(Queue queue) {
        standing.add(queue);
        watched.add(queue);
    }

    public Set<Queue> watched() {
        return Set.copyOf(watched);
    }

    /** Whether jobs were in it from before, and nobody has looked since. */
    public boolean isStanding(Queue queue) {
        return standing.contains(queue);
    }

    /** From now on it counts as any other. */
    public void looked(Queue queue) {
        standing.remove(queue);
    }

    public void lost(Queue queue, Instant at) {
        lostAt.put(queue, at);
        last = at;
    }

    /** When the latest loss was seen. */
    public Instant last() {
        return last;
    }

    boolean lost(Job job, Instant issuedAt) {
        return !issuedAt.isAfter(lostAt.getOrDefault(Queue.of(job), Instant.MIN));
    }
}
