package io.millrace.conductor.topology;

import io.millrace.events.wire.Topics;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.processor.TopicNameExtractor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;

/**
 * The whole topology.
 *
 * <pre>
 * policies ─► read-policies ─► spread-policies ─► write-policies ═► every partition of conductor.policies
 *
 * conductor.policies ─► read-spread-policies ─┐
 * checkpoints ────────► read-checkpoints ─────┼─► decide ─► write ═► jobs.*, runs, models, models.latest,
 * job-events ─────────► read-job-events ──────┘   (stores)           rejections, cancellations, dead-letters
 * </pre>
 *
 * The three topics of the second part have the same partitions and are keyed by model (policies are in all of them), so
 * everything about a model is decided in one task and one transaction.
 */
public final class ConductorTopology {
    private static final String READ_POLICIES = "read-policies";
    private static final String SPREAD_POLICIES = "spread-policies";
    private static final String WRITE_POLICIES = "write-policies";
    private static final String WRITE_UNREADABLE_POLICIES = "write-unreadable-policies";
    private static final String READ_SPREAD_POLICIES = "read-spread-policies";
    private static final String READ_CHECKPOINTS = "read-checkpoints";
    private static final String READ_JOB_EVENTS = "read-job-events";
    private static final String DECIDE = "decide";
    private static final String WRITE = "write";

    private static final Serializer<Outgoing> VALUE = (_, outgoing) -> outgoing.value();
    private static final TopicNameExtractor<byte[], Outgoing> TOPIC = (_, outgoing, _) -> outgoing.topic();

    private ConductorTopology() {}

    public static Topology build(Wiring wiring) {
        Topics topics = wiring.topics();
        StringDeserializer key = new StringDeserializer();
        ByteArrayDeserializer value = new ByteArrayDeserializer();
        ByteArraySerializer keyBytes = new ByteArraySerializer();
        ProcessorSupplier<String, byte[], byte[], Outgoing> decide = new DecideSupplier(wiring);
        return new Topology()
                .addSource(READ_POLICIES, key, value, topics.policies())
                .addProcessor(
                        SPREAD_POLICIES,
                        () -> new SpreadPolicies(wiring, WRITE_POLICIES, WRITE_UNREADABLE_POLICIES),
                        READ_POLICIES)
                .addSink(
                        WRITE_POLICIES,
                        topics.policiesByPartition(),
                        new StringSerializer(),
                        new ByteArraySerializer(),
                        new EveryPartition(),
                        SPREAD_POLICIES)
                .addSink(WRITE_UNREADABLE_POLICIES, TOPIC, keyBytes, VALUE, SPREAD_POLICIES)
                .addSource(READ_SPREAD_POLICIES, key, value, topics.policiesByPartition())
                .addSource(READ_CHECKPOINTS, key, value, topics.checkpoints())
                .addSource(READ_JOB_EVENTS, key, value, topics.jobEvents())
                .addProcessor(DECIDE, decide, READ_SPREAD_POLICIES, READ_CHECKPOINTS, READ_JOB_EVENTS)
                .addSink(WRITE, TOPIC, keyBytes, VALUE, DECIDE);
    }

    /** A record goes to every partition. */
    private static final class EveryPartition implements StreamPartitioner<String, byte[]> {
        @Override
        public Optional<Set<Integer>> partitions(String topic, String key, byte[] value, int partitions) {
            return Optional.of(IntStream.range(0, partitions).boxed().collect(Collectors.toUnmodifiableSet()));
        }
    }
}
