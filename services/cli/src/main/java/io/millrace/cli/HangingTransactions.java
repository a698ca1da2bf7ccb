package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
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

    /** No transaction of a conductor is open for as long: Kafka ends it after 10 s. */
    private static final Duration LONG = Duration.ofMinutes(1);

    private static final String OFFSETS = "__consumer_offsets";

    private record Open(TopicPartition partition, long start, Duration idle) {
        boolean hangs() {
            return idle.compareTo(LONGEST) > 0;
        }

        /** To its producer's last word. */
        String told() {
            return "in " + partition + " a transaction is open from offset " + start
                    + " on, and its producer wrote last " + idle.toMinutes() + " minutes ago: ";
        }
    }

    private HangingTransactions() {}

    static Finding of(Admin admin, String address, Topics topics, Instant now) throws InterruptedException {
        List<String> own = List.of(topics.checkpoints(), topics.jobEvents(), topics.runs(), topics.models());
        try {
            Optional<Open> open = longestOpen(admin, own, now);
            if (open.isPresent()) {
                return finding(open.get(), address);
            }
        } catch (ExecutionException e) {
            return new Finding("transactions", true, "whether one hangs is not known: " + e.getCause());
        }
        return ofOffsets(admin, address, now);
    }

    /** Asked apart: who may read the topics of Millrace seldom may read this one. */
    private static Finding ofOffsets(Admin admin, String address, Instant now) throws InterruptedException {
        try {
            return longestOpen(admin, List.of(OFFSETS), now)
                    .map(open -> finding(open, address))
                    .orElseGet(() -> new Finding("transactions", true, "none hangs"));
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

    private static Finding finding(Open open, String address) {
        TopicPartition partition = open.partition();
        return open.hangs()
                ? new Finding(
                        "transactions",
                        false,
                        open.told() + "conductor and readers wait for its end, which Kafka has lost. End it with"
                                + " kafka-transactions.sh --bootstrap-server " + address + " abort --topic "
                                + partition.topic() + " --partition " + partition.partition() + " --start-offset "
                                + open.start())
                : new Finding(
                        "transactions",
                        true,
                        "none hangs yet; " + open.told() + "conductor and readers wait for it. Kafka ends it after "
                                + LONGEST.toMinutes() + " minutes, or has lost its end: ask again then");
    }

    /** The one that nobody has written to for the longest time, if that is a long time. */
    private static Optional<Open> longestOpen(Admin admin, List<String> names, Instant now)
            throws InterruptedException, ExecutionException {
        List<TopicPartition> partitions = new ArrayList<>();
        for (var topic : admin.describeTopics(names).topicNameValues().entrySet()) {
            for (TopicPartitionInfo partition : partitions(topic.getValue())) {
                partitions.add(new TopicPartition(topic.getKey(), partition.partition()));
            }
        }
        DescribeProducersResult producers = admin.describeProducers(partitions);
        List<Open> open = new ArrayList<>();
        for (TopicPartition partition : partitions) {
            for (ProducerState producer :
                    producers.partitionResult(partition).get().activeProducers()) {
                Duration idle = Duration.between(Instant.ofEpochMilli(producer.lastTimestamp()), now);
                producer.currentTransactionStartOffset().ifPresent(start -> open.add(new Open(partition, start, idle)));
            }
        }
        return open.stream().filter(one -> one.idle().compareTo(LONG) > 0).max(Comparator.comparing(Open::idle));
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
}
