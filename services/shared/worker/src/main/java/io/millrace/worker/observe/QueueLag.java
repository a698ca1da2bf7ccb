package io.millrace.worker.observe;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.SharePartitionOffsetInfo;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many records each job queue holds that no worker has finished, as {@code millrace.queue.lag}: the lag of its share
 * group, which no client of the group knows. A queue that no worker ever joined counts from its first record.
 *
 * <p>The markers of the conductor's transactions are records too: a queue with one job may show 2.
 */
public final class QueueLag implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QueueLag.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Admin admin;
    private final Topics topics;
    private final MultiGauge gauge;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("queue-lag").factory());

    QueueLag(Map<String, Object> kafka, Topics topics, MeterRegistry registry) {
        this.admin = Admin.create(kafka);
        this.topics = topics;
        this.gauge = MultiGauge.builder("millrace.queue.lag")
                .description("Records in a job queue that no worker has finished")
                .register(registry);
    }

    /** Looks every ten seconds until it is closed. */
    public static QueueLag start(Map<String, Object> kafka, Topics topics, MeterRegistry registry) {
        QueueLag lag = new QueueLag(kafka, topics, registry);
        var _ = lag.clock.scheduleWithFixedDelay(lag::look, 0, BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
        return lag;
    }

    private void look() {
        try {
            refresh();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            LOG.debug("the lag of the queues is not known now: {}", e.toString());
        }
    }

    /** Looks once. */
    void refresh() throws InterruptedException, ExecutionException, TimeoutException {
        Set<String> names = await(admin.listTopics().names());
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (StageName stage : StageName.values()) {
            for (Device device : topics.devices(stage, names)) {
                Tags tags = Tags.of("stage", stage.wireName(), "device", device.name());
                rows.add(MultiGauge.Row.of(tags, lag(stage, device)));
            }
        }
        gauge.register(rows, true);
    }

    private long lag(StageName stage, Device device) throws InterruptedException, ExecutionException, TimeoutException {
        TopicPartition queue = new TopicPartition(topics.jobs(stage, device), 0);
        String group = topics.shareGroup(stage, device);
        OptionalLong known = groupLag(group, queue);
        return known.isPresent()
                ? known.getAsLong()
                : offset(queue, OffsetSpec.latest()) - offset(queue, OffsetSpec.earliest());
    }

    /** Empty if the group has not begun with the queue. */
    private OptionalLong groupLag(String group, TopicPartition queue) throws InterruptedException, TimeoutException {
        try {
            Map<TopicPartition, SharePartitionOffsetInfo> offsets = await(admin.listShareGroupOffsets(
                            Map.of(group, new ListShareGroupOffsetsSpec().topicPartitions(List.of(queue))))
                    .partitionsToOffsetInfo(group));
            SharePartitionOffsetInfo info = offsets.get(queue);
            return info == null || info.lag().isEmpty()
                    ? OptionalLong.empty()
                    : OptionalLong.of(info.lag().get());
        } catch (ExecutionException e) {
            LOG.debug("share group {} has no offsets: {}", group, String.valueOf(e.getCause()));
            return OptionalLong.empty();
        }
    }

    private long offset(TopicPartition queue, OffsetSpec which)
            throws InterruptedException, ExecutionException, TimeoutException {
        ListOffsetsResultInfo info =
                await(admin.listOffsets(Map.of(queue, which)).partitionResult(queue));
        return info.offset();
    }

    private static <T> T await(KafkaFuture<T> future)
            throws InterruptedException, ExecutionException, TimeoutException {
        return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        clock.shutdownNow();
        admin.close(Duration.ZERO);
    }
}
