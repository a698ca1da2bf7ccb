package io.millrace.conductor;

import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.run.Queue;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Uuid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks whether the topics of the queues in use are still the same. One that someone deleted is made again, since
 * workers and conductor would wait for it, and its loss is told.
 */
final class QueueWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QueueWatch.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(5);

    private final Admin admin;
    private final Topics topics;
    private final short replication;
    private final LostQueues losses;
    private final Map<Queue, Uuid> identities = new HashMap<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("queue-watch").factory());

    QueueWatch(Admin admin, Topics topics, short replication, LostQueues losses) {
        this.admin = admin;
        this.topics = topics;
        this.replication = replication;
        this.losses = losses;
    }

    void start() {
        var _ = clock.scheduleWithFixedDelay(
                this::lookUnlessDown, BETWEEN_LOOKS.toMillis(), BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void lookUnlessDown() {
        try {
            look();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.atDebug().setCause(e).log("the topics of the queues cannot be looked at now");
        }
    }

    void look() throws InterruptedException {
        Set<Queue> queues = losses.watched();
        Map<Queue, Uuid> found = identities(queues);
        List<Device> deleted = queues.stream()
                .filter(queue -> !found.containsKey(queue))
                .map(Queue::device)
                .distinct()
                .toList();
        if (!deleted.isEmpty()) {
            TopicAdmin.apply(admin, topics, deleted, replication);
            found.putAll(identities(queues));
        }
        for (Queue queue : queues) {
            Uuid present = found.get(queue);
            if (present != null && isAnother(queue, present)) {
                LOG.atWarn()
                        .addKeyValue("topic", name(queue))
                        .log("the topic was deleted with the jobs in it; those that nobody has begun are issued again");
                losses.lost(queue, Instant.now());
            }
        }
    }

    private boolean isAnother(Queue queue, Uuid present) throws InterruptedException {
        boolean standing = losses.takeStanding(queue);
        Uuid before = identities.put(queue, present);
        return before == null ? standing && TopicAdmin.isUnused(admin, name(queue)) : !before.equals(present);
    }

    private Map<Queue, Uuid> identities(Set<Queue> queues) throws InterruptedException {
        Map<String, Uuid> byName =
                TopicAdmin.identities(admin, queues.stream().map(this::name).collect(Collectors.toSet()));
        return queues.stream()
                .filter(queue -> byName.containsKey(name(queue)))
                .collect(Collectors.toMap(queue -> queue, queue -> Objects.requireNonNull(byName.get(name(queue)))));
    }

    private String name(Queue queue) {
        return topics.jobs(queue.stage(), queue.device());
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
