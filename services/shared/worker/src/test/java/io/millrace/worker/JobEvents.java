package io.millrace.worker;

import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** All events of one job, as a conductor would see them. */
final class JobEvents implements AutoCloseable {
    private final KafkaConsumer<String, byte[]> consumer;
    private final EventCodec codec = new EventCodec();
    private final JobKey job;
    private final List<JobEvent> seen = new ArrayList<>();

    JobEvents(String kafka, JobKey job) {
        this.job = job;
        Map<String, Object> settings = Map.of("bootstrap.servers", kafka, "auto.offset.reset", "earliest");
        this.consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(Topics.DEFAULT.jobEvents()).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** Reads on until so many events of this kind are there. */
    <T extends JobEvent> List<T> await(Class<T> kind, int count) {
        return await(kind, found -> found.size() >= count);
    }

    <T extends JobEvent> List<T> await(Class<T> kind, Predicate<List<T>> enough) {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!enough.test(all(kind))) {
            if (System.nanoTime() > end) {
                throw new AssertionError("no more " + kind.getSimpleName() + " within a minute; seen: " + seen);
            }
            consumer.poll(Duration.ofMillis(100)).forEach(record -> {
                if (codec.decode(record.value()) instanceof Decoded.Known(JobEvent event)
                        && event.job().key().equals(job)) {
                    seen.add(event);
                }
            });
        }
        return all(kind);
    }

    /** Those that were read so far. */
    <T extends JobEvent> List<T> all(Class<T> kind) {
        return seen.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
