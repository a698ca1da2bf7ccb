package io.millrace.conductor;

import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.run.Queue;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.AuthorizationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks whether the topics of the queues in use are still the same. One that someone deleted is made again, since
 * workers and conductor would wait for it, and its loss is told. Why it cannot look is said once, and again when the
 * reason changes.
 */
final class QueueWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QueueWatch.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(5);

    private final Admin admin;
    private final Map<String, ?> kafka;
    private final Topics topics;
    private final short replication;
    private final LostQueues losses;
    private final Map<Queue, Uuid> identities = new HashMap<>();
    private Optional<String> trouble = Optional.empty();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("queue-watch").factory());

    /** @param kafka settings of the client, named where it is refused */
    QueueWatch(Admin admin, Map<String, ?> kafka, Topics topics, short replication, LostQueues losses) {
        this.admin = admin;
        this.kafka = kafka;
        this.topics = topics;
        this.replication = replication;
        this.losses = losses;
    }

    void start() {
        var _ = clock.scheduleWithFixedDelay(
                this::lookUnlessDown, BETWEEN_LOOKS.toMillis(), BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Looks; also the stream threads do, when a task begins. */
    synchronized void lookUnlessDown() {
        try {
            look();
            if (trouble.isPresent()) {
                LOG.info("the topics of the queues can be looked at again");
            }
            trouble = Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            tell(e);
        }
    }

    private void tell(RuntimeException error) {
        Optional<String> refusal = KafkaRefusal.of(error, kafka);
        // What Kafka says of a time-out has times in it, and would be new with each look.
        Optional<String> kind = refusal.or(() ->
                Optional.of(error instanceof KafkaException ? error.getClass().getName() : error.toString()));
        if (kind.equals(trouble)) {
            LOG.atDebug().setCause(error).log("the topics of the queues still cannot be looked at");
            return;
        }
        trouble = kind;
        LOG.atWarn()
                .setCause(refusal.isPresent() || error instanceof KafkaException ? null : error)
                .log(
                        "whether a queue's topic was deleted is not known, and jobs in one that was would wait: {}",
                        refusal.orElseGet(() -> unanswered(error)));
    }

    private static String unanswered(RuntimeException error) {
        return error instanceof KafkaException
                ? "Kafka does not answer as it should: " + error
                        + "; 'millrace doctor' says what is wrong with the cluster"
                : String.valueOf(error.getMessage());
    }

    /** A queue that it may not look at keeps it from no other one. */
    void look() throws InterruptedException {
        Optional<AuthorizationException> denied = Optional.empty();
        List<Queue> queues = losses.watched().stream()
                .sorted(Comparator.comparing(this::name))
                .toList();
        for (Queue queue : queues) {
            try {
                look(queue);
            } catch (AuthorizationException e) {
                denied = denied.or(() -> Optional.of(e));
            }
        }
        if (denied.isPresent()) {
            throw denied.get();
        }
    }

    private void look(Queue queue) throws InterruptedException {
        Optional<Uuid> present = identity(queue);
        if (present.isEmpty()) {
            TopicAdmin.apply(admin, topics, List.of(queue.device()), replication);
            present = identity(queue);
        }
        if (present.isPresent() && isAnother(queue, present.get())) {
            LOG.atWarn()
                    .addKeyValue("topic", name(queue))
                    .log("the topic was deleted with the jobs in it; those that nobody has begun are issued again");
            losses.lost(queue, Instant.now());
        }
    }

    /** An answer that does not come leaves everything as it was, for the next look. */
    private boolean isAnother(Queue queue, Uuid present) throws InterruptedException {
        Uuid before = identities.get(queue);
        boolean another = before == null
                ? losses.isStanding(queue) && TopicAdmin.isUnused(admin, name(queue))
                : !before.equals(present);
        identities.put(queue, present);
        losses.looked(queue);
        return another;
    }

    private Optional<Uuid> identity(Queue queue) throws InterruptedException {
        return Optional.ofNullable(
                TopicAdmin.identities(admin, Set.of(name(queue))).get(name(queue)));
    }

    private String name(Queue queue) {
        return topics.jobs(queue.stage(), queue.device());
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
