package io.millrace.cli.local;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.RecordBatch;

/**
 * Whether the broker's folder still has what was in it. Kafka makes a partition's folder anew if it is gone, without a
 * word, and takes what a log has lost for never written. It then overwrites its notes of what there was, so they are
 * compared while nothing runs there.
 */
final class KeptLogs {
    /** Up to where each partition can be read; Kafka writes that down every 5 s and when it stops. */
    private static final String NOTES = "replication-offset-checkpoint";

    /** Where share groups stand. What is lost of it stays so: a group's partitions are set up once. */
    private static final String POSITIONS = "__share_group_state";

    private static final String METADATA = "__cluster_metadata-0";
    private static final String LOG = ".log";

    private final Home home;

    KeptLogs(Home home) {
        this.home = home;
    }

    /**
     * Tells the topics of queues that lost jobs, or the position of their share group. Workers would wait for ever in
     * such a topic; made anew, its jobs are issued again.
     *
     * @throws IOException if something else is lost, which nothing brings back
     */
    Predicate<String> lostQueues() throws IOException {
        requireMetadata();
        if (!Files.exists(notes())) {
            return home.topics()::isQueue;
        }
        List<Loss> losses = losses();
        List<Loss> lasting =
                losses.stream().filter(loss -> !isMended(loss.topic())).toList();
        if (lasting.isEmpty()) {
            Set<String> lost = losses.stream().map(Loss::topic).collect(Collectors.toSet());
            return topic -> home.topics().isQueue(topic) && (lost.contains(topic) || lost.contains(POSITIONS));
        }
        // Without these two Kafka reads its logs anew, and cuts each off where it is damaged.
        throw new IOException("records of the embedded broker are lost: " + lasting.getFirst()
                + (lasting.size() == 1 ? "" : " (and " + (lasting.size() - 1) + " more)")
                + "; put back what was there, or go on with what is left: delete "
                + home.kafka().resolve("*-checkpoint") + " and "
                + home.kafka().resolve(".kafka_cleanshutdown") + "; or " + beginAnew());
    }

    private void requireMetadata() throws IOException {
        Path metadata = home.kafka().resolve(METADATA);
        if (end(metadata) == 0 && (Files.exists(notes()) || Files.exists(home.conductor()))) {
            throw new IOException(metadata + " is gone, empty or damaged, and all topics with it, though "
                    + home.folder() + " was in use; put it back, or " + beginAnew());
        }
        Path identity = home.kafka().resolve("meta.properties");
        if (Files.exists(identity) && !Files.readString(identity, ISO_8859_1).contains("node.id=")) {
            throw new IOException(identity + " is damaged: it has no node.id; delete it, and it is made anew");
        }
    }

    private String beginAnew() {
        return "begin anew without the runs and policies of before: delete " + home.kafka() + " and " + home.conductor()
                + "; the store stays, and what is in it is not computed again";
    }

    private List<Loss> losses() throws IOException {
        List<Loss> losses = new ArrayList<>();
        for (Map.Entry<TopicPartition, Long> partition : noted().entrySet()) {
            Path log = home.kafka().resolve(partition.getKey().toString());
            long end = end(log);
            if (end < partition.getValue() && !isDeleted(log)) {
                losses.add(new Loss(log, partition.getKey().topic(), partition.getValue(), end));
            }
        }
        return losses;
    }

    /** Its lines are {@code topic partition offset}, after two with its version and their number. */
    private Map<TopicPartition, Long> noted() throws IOException {
        try (Stream<String> lines = Files.lines(notes(), ISO_8859_1)) {
            return lines.filter(line -> line.matches("\\S+ [0-9]{1,9} [0-9]{1,18}"))
                    .map(line -> line.split(" "))
                    .collect(Collectors.toMap(
                            part -> new TopicPartition(part[0], Integer.parseInt(part[1])),
                            part -> Long.valueOf(part[2])));
        }
    }

    /** Without Kafka's own positions and transactions records are read again, and what is done is known. */
    private boolean isMended(String topic) {
        return topic.startsWith("__") || home.topics().isQueue(topic);
    }

    /** Kafka moves the folder of a deleted topic aside for a minute, and may not have noted that yet. */
    private boolean isDeleted(Path log) throws IOException {
        try (Stream<Path> all = Files.list(home.kafka())) {
            return all.map(path -> path.getFileName().toString())
                    .anyMatch(name -> name.startsWith(log.getFileName() + ".") && name.endsWith("-delete"));
        }
    }

    private Path notes() {
        return home.kafka().resolve(NOTES);
    }

    private static long end(Path log) throws IOException {
        Optional<Path> last = lastSegment(log);
        if (last.isEmpty()) {
            return 0;
        }
        File file = last.get().toFile();
        long end = Long.parseLong(file.getName().substring(0, file.getName().length() - LOG.length()));
        try (FileRecords records = FileRecords.open(file, false)) {
            for (RecordBatch batch : records.batches()) {
                end = batch.nextOffset();
            }
        } catch (KafkaException damaged) {
            // Here Kafka cuts the log off.
        }
        return end;
    }

    private static Optional<Path> lastSegment(Path log) throws IOException {
        if (!Files.isDirectory(log)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(log)) {
            return files.filter(file -> file.getFileName().toString().matches("[0-9]{20}\\.log"))
                    .max(Path::compareTo);
        }
    }

    /**
     * A partition that lost records.
     *
     * @param expected where it ended at least
     * @param found where it ends
     */
    private record Loss(Path log, String topic, long expected, long found) {
        @Override
        public String toString() {
            return log + " ended at offset " + expected + " and now "
                    + (found == 0 ? "is gone or empty" : "ends at " + found);
        }
    }
}
