package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeptLogsTest {
    private static final String RUNS = "millrace.runs-3";
    private static final String QUEUE = "millrace.jobs.prune.cpu-0";
    private static final String OTHER_QUEUE = "millrace.jobs.quantize.cpu-0";
    private static final String POSITIONS = "__share_group_state-1";
    private static final String TRANSACTIONS = "__transaction_state-0";
    private static final int NOTED = 5;

    @TempDir
    Path folder;

    private Home home;

    @BeforeEach
    void aStoppedBroker() throws IOException {
        home = new Home(folder);
        Files.createDirectories(home.kafka());
        StringBuilder notes = new StringBuilder("0\n5\n");
        for (String log : new String[] {RUNS, QUEUE, OTHER_QUEUE, POSITIONS, TRANSACTIONS}) {
            write(log, 0, NOTED);
            notes.append(log.substring(0, log.length() - 2))
                    .append(' ')
                    .append(log.charAt(log.length() - 1))
                    .append(' ')
                    .append(NOTED)
                    .append('\n');
        }
        write("__cluster_metadata-0", 0, 1);
        Files.writeString(home.kafka().resolve("replication-offset-checkpoint"), notes);
    }

    @Test
    void aFolderThatHasWhatWasNotedIsSound() throws IOException {
        assertThat(lostQueues()).isEmpty();
    }

    @Test
    void aLogThatGoesOnInAnotherSegmentIsSound() throws IOException {
        Files.delete(segment(RUNS, 0));
        write(RUNS, NOTED, 0);

        assertThat(lostQueues()).isEmpty();
    }

    @Test
    void aPartitionThatIsGoneIsNamedWithTheRemedy() throws IOException {
        remove(RUNS);

        assertThatThrownBy(this::lostQueues)
                .hasMessageContainingAll(
                        home.kafka().resolve(RUNS) + " ended at offset 5 and now is gone or empty",
                        "delete " + home.kafka().resolve("*-checkpoint") + " and "
                                + home.kafka().resolve(".kafka_cleanshutdown"),
                        "delete " + home.kafka() + " and " + home.conductor());
    }

    @Test
    void aLogThatIsCutOffOrZeroedIsNamed() throws IOException {
        byte[] whole = Files.readAllBytes(segment(RUNS, 0));
        Files.write(segment(RUNS, 0), Arrays.copyOf(whole, whole.length - 1));
        assertThatThrownBy(this::lostQueues).hasMessageContaining(RUNS + " ended at offset 5 and now ends at 4");

        Files.write(segment(RUNS, 0), new byte[whole.length]);
        assertThatThrownBy(this::lostQueues).hasMessageContaining(RUNS + " ended at offset 5 and now is gone");
    }

    @Test
    void aQueueThatLostJobsIsMadeAnew() throws IOException {
        remove(QUEUE);

        assertThat(lostQueues()).containsExactly("millrace.jobs.prune.cpu");
    }

    @Test
    void everyQueueIsMadeAnewIfPositionsAreLost() throws IOException {
        remove(POSITIONS);

        assertThat(lostQueues()).containsExactlyInAnyOrder("millrace.jobs.prune.cpu", "millrace.jobs.quantize.cpu");
    }

    @Test
    void withoutNotesEveryQueueIsMadeAnew() throws IOException {
        Files.delete(home.kafka().resolve("replication-offset-checkpoint"));

        assertThat(lostQueues()).containsExactlyInAnyOrder("millrace.jobs.prune.cpu", "millrace.jobs.quantize.cpu");
    }

    @Test
    void aTopicThatKafkaDeletedIsNotLost() throws IOException {
        Files.move(home.kafka().resolve(RUNS), home.kafka().resolve(RUNS + ".6b1d3a9d7f5c4a0a9d7f5c4a0a9d7f5c-delete"));

        assertThat(lostQueues()).isEmpty();
    }

    @Test
    void metadataOrAllOfKafkaMissingBesideWhatIsLeftIsRefused() throws IOException {
        Files.write(segment("__cluster_metadata-0", 0), new byte[100]);
        assertThatThrownBy(this::lostQueues).hasMessageContaining("__cluster_metadata-0 is gone, empty or damaged");

        remove("__cluster_metadata-0");
        assertThatThrownBy(this::lostQueues).hasMessageContainingAll("__cluster_metadata-0", "put it back");

        Home conductorOnly = new Home(folder.resolve("other"));
        assertThatCode(new KeptLogs(conductorOnly)::lostQueues).doesNotThrowAnyException();
        Files.createDirectories(conductorOnly.conductor());
        assertThatThrownBy(new KeptLogs(conductorOnly)::lostQueues).hasMessageContaining("begin anew");
    }

    @Test
    void anIdentityThatCannotBeReadIsNamedWithTheRemedy() throws IOException {
        Path identity = Files.write(home.kafka().resolve("meta.properties"), new byte[] {(byte) 0xFF, 7});

        assertThatThrownBy(this::lostQueues)
                .hasMessage("%s is damaged: it has no node.id; delete it, and it is made anew".formatted(identity));
    }

    private Set<String> lostQueues() throws IOException {
        return Stream.of("millrace.jobs.prune.cpu", "millrace.jobs.quantize.cpu", "millrace.runs")
                .filter(new KeptLogs(home).lostQueues())
                .collect(Collectors.toSet());
    }

    private void remove(String log) throws IOException {
        Files.delete(segment(log, 0));
        Files.delete(home.kafka().resolve(log));
    }

    private Path segment(String log, long from) {
        return home.kafka().resolve(log).resolve("%020d.log".formatted(from));
    }

    /** A segment of this many batches of one record each. */
    private void write(String log, long from, int records) throws IOException {
        Files.createDirectories(home.kafka().resolve(log));
        ByteBuffer all = ByteBuffer.allocate(4096);
        for (long offset = from; offset < from + records; offset++) {
            all.put(MemoryRecords.withRecords(
                            offset, Compression.NONE, new SimpleRecord("value".getBytes(StandardCharsets.UTF_8)))
                    .buffer());
        }
        Files.write(segment(log, from), Arrays.copyOf(all.array(), all.position()));
    }
}
