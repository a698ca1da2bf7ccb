package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Reason;
import io.millrace.events.StageName;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a worker makes of the records of its queue. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
@ExtendWith(OneSite.class)
class WorkerIT {
    private final Site site;

    WorkerIT(Site site) {
        this.site = site;
    }

    @Test
    void jobIsComputedAndItsResultStandsInTheStore() throws Exception {
        Job job = site.job();
        try (Worker worker = site.worker((input, workspace) -> {});
                JobEvents events = site.events(job)) {

            site.send(job);

            JobSucceeded succeeded = events.await(JobSucceeded.class, 1).getFirst();
            assertThat(events.all(JobStarted.class))
                    .singleElement()
                    .satisfies(started -> assertThat(started.starts()).isEqualTo(1));
            assertThat(succeeded.fromStore()).isFalse();
            assertThat(succeeded.cost().bytesIn()).isEqualTo(7);
            assertThat(site.store().result(job.key()).orElseThrow().output()).isEqualTo(succeeded.output());
            assertThat(worker.broken()).isFalse();
            assertThat(site.workFolder().resolve(job.key().toString())).doesNotExist();
        }
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: the same key is computed once, whoever asks")
    void sameKeyIsComputedOnceWhoeverAsks() throws Exception {
        Job job = site.job();
        AtomicInteger computed = new AtomicInteger();
        try (Worker worker = site.worker((input, workspace) -> computed.incrementAndGet());
                JobEvents events = site.events(job)) {

            site.send(job);
            site.send(job.withAttempt(2));

            List<JobSucceeded> succeeded = events.await(JobSucceeded.class, 2);
            assertThat(computed).hasValue(1);
            assertThat(succeeded)
                    .extracting(JobSucceeded::output)
                    .containsOnly(succeeded.getFirst().output());
            assertThat(succeeded).extracting(JobSucceeded::fromStore).contains(true);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void stageThatThrowsIsReportedAndTheSlotGoesOn() throws Exception {
        Job bad = site.job();
        Job good = site.job();
        try (Worker worker = site.worker((input, workspace) -> {
                    if (input.seed() == bad.seed()) {
                        throw new StageException(Reason.UNSUITABLE_SHAPE, "rows of 7 cannot be halved");
                    }
                });
                JobEvents badEvents = site.events(bad);
                JobEvents goodEvents = site.events(good)) {

            site.send(bad);
            site.send(good);

            JobFailed failed = badEvents.await(JobFailed.class, 1).getFirst();
            assertThat(failed.failure().reason()).isEqualTo(Reason.UNSUITABLE_SHAPE);
            assertThat(failed.failure().message()).isEqualTo("rows of 7 cannot be halved");
            assertThat(goodEvents.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(badEvents.all(JobFailed.class)).hasSize(1);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void recordThatNobodyCanReadGoesToTheDeadLetters() throws Exception {
        Job job = site.job();
        byte[] poison = "not an event".getBytes(StandardCharsets.UTF_8);
        try (Worker worker = site.worker((input, workspace) -> {});
                JobEvents events = site.events(job)) {

            site.sendToQueue("poison", poison);
            site.send(job);

            ConsumerRecord<byte[], byte[]> letter = firstDeadLetter();
            assertThat(letter.value()).isEqualTo(poison);
            assertThat(DeadLetters.origin(letter).orElseThrow().topic())
                    .isEqualTo(Topics.DEFAULT.jobs(StageName.PRUNE, Device.CPU));
            assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void metricsAndHealthAreServed() throws Exception {
        Job job = site.job();
        try (Worker worker = site.worker((input, workspace) -> {});
                JobEvents events = site.events(job)) {
            site.send(job);
            events.await(JobSucceeded.class, 1);
            events.await(JobStarted.class, 1);

            String metrics = Site.get(worker, "/metrics");

            assertThat(metrics).contains("millrace_worker_jobs_total{outcome=\"succeeded\",stage=\"prune\"} 1.0");
            assertThat(metrics).contains("millrace_worker_queue_age_seconds_count{device=\"cpu\",stage=\"prune\"} 1");
            assertThat(metrics).contains("kafka_producer_record_send_total");
            assertThat(metrics).contains("kafka_consumer_share_fetch_manager_");
            assertThat(Site.get(worker, "/livez")).isEqualTo("ok\n");
            assertThat(Site.get(worker, "/readyz")).isEqualTo("ok\n");
        }
    }

    private ConsumerRecord<byte[], byte[]> firstDeadLetter() {
        try (var consumer =
                new KafkaConsumer<>(site.kafka(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = List.of(new TopicPartition(Topics.DEFAULT.deadLetters(), 0));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (System.nanoTime() < end) {
                for (ConsumerRecord<byte[], byte[]> letter : consumer.poll(Duration.ofMillis(100))) {
                    return letter;
                }
            }
            throw new AssertionError("no dead letter within a minute");
        }
    }
}
