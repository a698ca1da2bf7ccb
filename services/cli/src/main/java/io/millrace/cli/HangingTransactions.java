package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeProducersResult;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Transactions that Kafka has lost the end of (4.3.1, after a broker stood still or was killed): who reads what is committed
 * waits before one for ever, and so does a conductor whose offsets were written in it.
 */
final class HangingTransactions {
    /** No broker leaves one open for longer, unless its {@code transaction.max.timeout.ms} is raised. */
    private static final Duration LONGEST = Duration.ofMinutes(15);

    private static final String OFFSETS = "__consumer_offsets";

    private HangingTransactions() {}

    static Finding of(Admin admin, String address, Topics topics, Instant now) throws InterruptedException {
        List<String> own = List.of(topics.checkpoints(), topics.jobEvents(), topics.runs(), topics.models());
        try {
            Optional<String> hanging = hanging(admin, address, own, now);
            if (hanging.isPresent()) {
                return new Finding("transactions", false, hanging.get());
            }
        } catch (ExecutionException e) {
            return new Finding("transactions", true, "whether one hangs is not known: " + e.getCause());
        }
        return ofOffsets(admin, address, now);
    }

    /** Asked apart: who may read the topics of Millrace seldom may read this one. */
    private static Finding ofOffsets(Admin admin, String address, Instant now) throws InterruptedException {
        try {
            Optional<String> hanging = hanging(admin, address, List.of(OFFSETS), now);
            return new Finding("transactions", hanging.isEmpty(), hanging.orElse("none hangs"));
        } catch (ExecutionException e) {
            String why = e.getCause() instanceof AuthorizationException
                    ? "this user may not read it"
                    : String.valueOf(e.getCause());
            return new Finding(
                    "transactions",
                    true,
                    "none hangs in the topics of Millrace; whether one does in " + OFFSETS + " is not known: " + why);
        }
    }

    private static Optional<String> hanging(Admin admin, String address, List<String> names, Instant now)
            throws InterruptedException, ExecutionException {
        List<TopicPartition> partitions = new ArrayList<>();
        for (var topic : admin.describeTopics(names).topicNameValues().entrySet()) {
            for (TopicPartitionInfo partition : partitions(topic.getValue())) {
                partitions.add(new TopicPartition(topic.getKey(), partition.partition()));
            }
        }
        DescribeProducersResult producers = admin.describeProducers(partitions);
        for (TopicPartition partition : partitions) {
            for (ProducerState producer :
                    producers.partitionResult(partition).get().activeProducers()) {
                Optional<String> hanging = hanging(partition, producer, address, now);
                if (hanging.isPresent()) {
                    return hanging;
                }
            }
        }
        return Optional.empty();
    }

    /** None of a topic that nobody has written to yet. */
    private static List<TopicPartitionInfo> partitions(KafkaFuture<TopicDescription> topic)
            throws InterruptedException, ExecutionException {
        try {
            return topic.get().partitions();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return List.of();
            }
            throw e;
        }
    }

    private static Optional<String> hanging(
            TopicPartition partition, ProducerState producer, String address, Instant now) {
        if (producer.currentTransactionStartOffset().isEmpty()) {
            return Optional.empty();
        }
        Duration open = Duration.between(Instant.ofEpochMilli(producer.lastTimestamp()), now);
        long offset = producer.currentTransactionStartOffset().getAsLong();
        return open.compareTo(LONGEST) <= 0
                ? Optional.empty()
                : Optional.of("in " + partition + " a transaction is open from offset " + offset
                        + " on, and its producer wrote last " + open.toMinutes()
                        + " minutes ago: conductor and readers wait for its end, which Kafka has lost. End it with"
                        + " kafka-transactions.sh --bootstrap-server " + address + " abort --topic " + partition.topic()
                        + " --partition " + partition.partition() + " --start-offset " + offset);
    }
}
