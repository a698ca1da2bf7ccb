package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.run.Queue;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.Topics;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.internals.KafkaFutureImpl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class QueueWatchTest {
    private static final Queue QUEUE = new Queue(StageName.QUANTIZE, new Device("cpu"));
    private static final Queue OTHER = new Queue(StageName.PRUNE, new Device("cpu"));
    private static final Topics TOPICS = Topics.DEFAULT;
    private static final Map<String, String> KAFKA =
            Map.of("sasl.jaas.config", "module required username=\"conductor\";");

    private final Map<String, Supplier<TopicDescription>> described = new HashMap<>();
    private Supplier<Long> end = () -> 0L;
    private final LostQueues losses = new LostQueues();
    private final QueueWatch watch = new QueueWatch(answering(), KAFKA, TOPICS, (short) 1, losses);
    private final ListAppender<ILoggingEvent> said = new ListAppender<>();
    private final Logger log = (Logger) LoggerFactory.getLogger(QueueWatch.class);

    @BeforeEach
    void listen() {
        said.start();
        log.setLevel(Level.INFO);
        log.addAppender(said);
    }

    @AfterEach
    void close() {
        log.detachAppender(said);
        log.setLevel(null);
        watch.close();
    }

    @Test
    void whatItMayNotDescribeIsSaidOnceWithOperationTopicAndRemedy() {
        losses.watch(QUEUE);
        refused(QUEUE);

        watch.lookUnlessDown();
        watch.lookUnlessDown();

        assertThat(warnings())
                .singleElement()
                .asString()
                .contains(
                        "Kafka denies User:conductor Describe on topic " + name(QUEUE),
                        "deploy/acls.yaml",
                        "--operation Describe --topic " + name(QUEUE) + "'");
    }

    @Test
    void whetherATopicWasUsedIsRefusedInTheSameWords() {
        losses.standing(QUEUE);
        stands(QUEUE, Uuid.randomUuid());
        end = () -> {
            throw new TopicAuthorizationException("Authorization failed.");
        };

        watch.lookUnlessDown();

        assertThat(warnings()).singleElement().asString().contains("Describe on topic " + name(QUEUE));
    }

    @Test
    void anotherReasonIsSaidAndTheFirstOneAgainAfterIt() {
        losses.watch(QUEUE);
        for (int time = 0; time < 3; time++) {
            refused(QUEUE);
            watch.lookUnlessDown();
            silent(QUEUE, "timed out at " + time);
            watch.lookUnlessDown();
            silent(QUEUE, "timed out at " + time + " and a half");
            watch.lookUnlessDown();
        }

        assertThat(warnings()).hasSize(6);
        assertThat(warnings().get(1)).contains("timed out at 0", "millrace doctor");
    }

    @Test
    void aReasonThatComesBackAfterAGoodLookIsSaidAgain() {
        losses.watch(QUEUE);
        Uuid standing = Uuid.randomUuid();
        for (int time = 0; time < 2; time++) {
            refused(QUEUE);
            watch.lookUnlessDown();
            stands(QUEUE, standing);
            watch.lookUnlessDown();
            watch.lookUnlessDown();
        }

        assertThat(said.list)
                .extracting(ILoggingEvent::getLevel)
                .containsExactly(Level.WARN, Level.INFO, Level.WARN, Level.INFO);
    }

    @Test
    void aTopicMadeAgainHasLostItsJobsAndTheOthersHaveNot() {
        losses.watch(QUEUE);
        losses.watch(OTHER);
        stands(QUEUE, Uuid.randomUuid());
        stands(OTHER, Uuid.randomUuid());
        watch.lookUnlessDown();
        assertThat(losses.last()).isEqualTo(Instant.EPOCH);

        stands(QUEUE, Uuid.randomUuid());
        watch.lookUnlessDown();
        watch.lookUnlessDown();

        assertThat(warnings()).singleElement().asString().contains("was deleted");
        assertThat(losses.last()).isAfter(Instant.EPOCH);
    }

    @Test
    void aQueueThatItMayNotDescribeKeepsItFromNoOther() {
        losses.watch(QUEUE);
        losses.watch(OTHER);
        for (Queue[] pair : new Queue[][] {{QUEUE, OTHER}, {OTHER, QUEUE}}) {
            refused(pair[0]);
            stands(pair[1], Uuid.randomUuid());
            watch.lookUnlessDown();
            stands(pair[1], Uuid.randomUuid());
            watch.lookUnlessDown();

            assertThat(warnings())
                    .anySatisfy(warning -> assertThat(warning).contains("Describe on topic " + name(pair[0])))
                    .anySatisfy(warning -> assertThat(warning).contains("was deleted with the jobs in it"));
            said.list.clear();
        }
    }

    @Test
    void anEmptyTopicOfAQueueThatStoodIsALossHoweverLateTheAnswer() {
        losses.standing(QUEUE);
        stands(QUEUE, Uuid.randomUuid());
        end = () -> {
            throw new TimeoutException("no leader");
        };
        watch.lookUnlessDown();
        assertThat(losses.last()).isEqualTo(Instant.EPOCH);

        end = () -> 0L;
        watch.lookUnlessDown();

        assertThat(losses.last()).isAfter(Instant.EPOCH);
    }

    @Test
    void aUsedTopicOfAQueueThatStoodIsNoLoss() {
        losses.standing(QUEUE);
        stands(QUEUE, Uuid.randomUuid());
        end = () -> 3L;

        watch.lookUnlessDown();
        end = () -> 0L;
        watch.lookUnlessDown();

        assertThat(losses.last()).isEqualTo(Instant.EPOCH);
        assertThat(said.list).isEmpty();
    }

    private List<String> warnings() {
        return said.list.stream()
                .filter(event -> event.getLevel() == Level.WARN)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    private void stands(Queue queue, Uuid identity) {
        described.put(name(queue), () -> new TopicDescription(name(queue), false, List.of(), Set.of(), identity));
    }

    private void refused(Queue queue) {
        described.put(name(queue), () -> {
            throw new TopicAuthorizationException("Authorization failed.");
        });
    }

    private void silent(Queue queue, String why) {
        described.put(name(queue), () -> {
            throw new TimeoutException(why);
        });
    }

    private static String name(Queue queue) {
        return TOPICS.jobs(queue.stage(), queue.device());
    }

    /** A cluster's answers to the two questions that a look asks when no topic is missing. */
    private Admin answering() {
        return (Admin) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Admin.class},
                (_, method, arguments) -> switch (method.getName()) {
                    case "describeTopics" ->
                        new Described(futures(
                                ((Collection<?>) arguments[0]).stream().map(String.class::cast),
                                name -> described.get(name).get()));
                    case "listOffsets" ->
                        new ListOffsetsResult(futures(
                                ((Map<?, ?>) arguments[0]).keySet().stream().map(TopicPartition.class::cast),
                                _ -> new ListOffsetsResultInfo(end.get(), -1, Optional.empty())));
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private static <K, V> Map<K, KafkaFuture<V>> futures(Stream<K> asked, Function<K, V> answer) {
        return asked.collect(Collectors.toMap(Function.identity(), key -> {
            KafkaFutureImpl<V> future = new KafkaFutureImpl<>();
            try {
                future.complete(answer.apply(key));
            } catch (RuntimeException refusal) {
                future.completeExceptionally(refusal);
            }
            return future;
        }));
    }

    private static final class Described extends DescribeTopicsResult {
        @SuppressWarnings("NullAway") // Kafka asks for one of the two
        Described(Map<String, KafkaFuture<TopicDescription>> byName) {
            super(null, byName);
        }
    }
}
