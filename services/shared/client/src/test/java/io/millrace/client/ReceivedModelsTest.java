package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ModelPublished;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Models as a program receives them: each as it comes, or the latest of each target. */
class ReceivedModelsTest extends ModelFixture {
    private static final Topics TOPICS = Topics.DEFAULT;
    private static final TopicPartition MODELS = new TopicPartition(TOPICS.models(), 0);
    private static final TopicPartition LATEST = new TopicPartition(TOPICS.modelsLatest(), 0);

    private final EventCodec codec = new EventCodec();
    private final EventRecords records = new EventRecords(TOPICS, codec, "millrace/test");

    @Test
    void aModelCountsAsReceivedWhenTheNextAreAskedFor() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        AtomicInteger closed = new AtomicInteger();
        ModelPublished first = model("v1", "phone");
        ModelPublished second = model("v2", "phone");

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, closed::incrementAndGet, TOPICS)) {
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            consumer.rebalance(List.of(MODELS));
            add(consumer, MODELS, 0, "chat", records.record(first).value());
            add(consumer, MODELS, 1, "chat", "not an event".getBytes(StandardCharsets.UTF_8));

            assertThat(subscriber.poll(Duration.ZERO)).containsExactly(first);
            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isEqualTo(new OffsetAndMetadata(0));
            add(consumer, MODELS, 2, "chat", null);
            add(consumer, MODELS, 3, "chat", records.record(second).value());
            assertThat(subscriber.poll(Duration.ZERO)).containsExactly(second);

            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isEqualTo(new OffsetAndMetadata(2));
        }
        assertThat(consumer.closed()).isTrue();
        assertThat(closed).hasValue(1);
    }

    /** What it had received by then does not come again. */
    @Test
    void forEachEndsWhenItIsStopped() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        List<ModelPublished> received = new ArrayList<>();

        ModelPublished first = model("v1", "phone");

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.schedulePollTask(() -> {
                consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
                consumer.rebalance(List.of(MODELS));
                add(consumer, MODELS, 0, "chat", records.record(first).value());
            });

            subscriber.forEach(model -> {
                received.add(model);
                subscriber.stop();
            });

            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isEqualTo(new OffsetAndMetadata(1));
        }

        assertThat(received).containsExactly(first);
    }

    /** As {@code subscribe --group} begins: what is published between a stop and the next start is not to be missed. */
    @Test
    void aGroupThatBeginsWithWhatComesNextGoesOnThereAlsoIfNothingCame() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("latest");
        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.updateEndOffsets(Map.of(MODELS, 5L));
            consumer.rebalance(List.of(MODELS));
            assertThat(subscriber.poll(Duration.ZERO)).isEmpty();

            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isEqualTo(new OffsetAndMetadata(5));

            consumer.updateEndOffsets(Map.of(MODELS, 7L));
            consumer.rebalance(List.of());
            consumer.rebalance(List.of(MODELS));
            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS))
                    .as("where it began stands")
                    .isEqualTo(new OffsetAndMetadata(5));
        }
    }

    /** Asked for with an empty hand, a broker that is away would end the subscriber after a minute. */
    @Test
    void aSubscriberWithNothingToCommitAsksNoBroker() throws Exception {
        AtomicInteger commits = new AtomicInteger();
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest") {
            @Override
            public synchronized void commitSync() {
                commits.incrementAndGet();
                super.commitSync();
            }
        };

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            consumer.rebalance(List.of(MODELS));
            subscriber.poll(Duration.ZERO);
            subscriber.poll(Duration.ZERO);
            assertThat(commits).hasValue(0);

            add(
                    consumer,
                    MODELS,
                    0,
                    "chat",
                    records.record(model("v1", "phone")).value());
            subscriber.poll(Duration.ZERO);
            subscriber.poll(Duration.ZERO);
            subscriber.poll(Duration.ZERO);
            assertThat(commits).hasValue(1);
        }
    }

    @Test
    void aBrokerThatDoesNotAnswerForAWhileEndsNoSubscriber() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        ModelPublished first = model("v1", "phone");
        List<ModelPublished> received = new ArrayList<>();

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            consumer.rebalance(List.of(MODELS));
            consumer.setPollException(new TimeoutException("away"));
            add(consumer, MODELS, 0, "chat", records.record(first).value());

            subscriber.forEach(model -> {
                received.add(model);
                subscriber.stop();
            });
        }

        assertThat(received).containsExactly(first);
    }

    /** The schema of a newer version is asked for; while Kafka does not answer, nothing is known of the record. */
    @Test
    void aModelWhoseSchemaCannotBeAskedForComesAgain() throws Exception {
        AtomicBoolean away = new AtomicBoolean(true);
        EventCodec asking = new EventCodec(_ -> {
            if (away.get()) {
                throw new TimeoutException("away");
            }
            return Optional.empty();
        });
        byte[] newer = records.record(model("v2", "phone")).value().clone();
        newer[5] ^= 1; // in the fingerprint of its schema
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, asking, () -> {}, TOPICS)) {
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            consumer.rebalance(List.of(MODELS));
            byte[] known = records.record(model("v1", "phone")).value();
            add(consumer, MODELS, 0, "chat", known);
            add(consumer, MODELS, 1, "chat", newer);
            assertThatThrownBy(() -> subscriber.poll(Duration.ZERO)).isInstanceOf(TimeoutException.class);
            assertThat(consumer.position(MODELS)).isZero();

            away.set(false);
            add(consumer, MODELS, 0, "chat", known);
            add(consumer, MODELS, 1, "chat", newer);
            assertThat(subscriber.poll(Duration.ZERO)).containsExactly(model("v1", "phone"));
        }
    }

    @Test
    void theNewestOfEachTargetIsKeptAndATombstoneTakesItAway() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        consumer.updatePartitions(
                LATEST.topic(), List.of(new PartitionInfo(LATEST.topic(), 0, Node.noNode(), new Node[0], new Node[0])));
        consumer.updateBeginningOffsets(Map.of(LATEST, 0L));
        consumer.updateEndOffsets(Map.of(LATEST, 3L));

        try (LatestModels latest = new LatestModels(consumer, codec, () -> {}, TOPICS)) {
            add(
                    consumer,
                    LATEST,
                    0,
                    "phone",
                    records.latest(model("v1", "phone")).value());
            add(consumer, LATEST, 1, "gpu", records.latest(model("v1", "gpu")).value());
            add(
                    consumer,
                    LATEST,
                    2,
                    "phone",
                    records.latest(model("v2", "phone")).value());

            assertThat(latest.current()).containsExactly(model("v1", "gpu"), model("v2", "phone"));

            add(consumer, LATEST, 3, "gpu", null);
            add(
                    consumer,
                    LATEST,
                    4,
                    "phone",
                    records.latest(model("v3", "phone")).value());
            consumer.updateEndOffsets(Map.of(LATEST, 5L));
            assertThat(latest.next(Duration.ZERO)).containsExactly(model("v3", "phone"));
            assertThat(latest.current()).containsExactly(model("v3", "phone"));
        }
    }

    private static void add(
            MockConsumer<String, byte[]> consumer,
            TopicPartition partition,
            long offset,
            String key,
            byte @Nullable [] value) {
        consumer.addRecord(new ConsumerRecord<>(partition.topic(), partition.partition(), offset, key, value));
    }
}
