package io.millrace.conductor.topology;

import io.millrace.conductor.run.RunRequest;
import io.millrace.conductor.topology.StateJson.UnreadableStateException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Entries of the store that this version cannot read: damaged, or of a newer version's kind. They count as absent, so
 * that everything else goes on, until their task moves them to the dead letters.
 */
final class Unreadable {
    /** The origin of an entry has no offset, since nobody may send it there again. */
    private static final long NO_OFFSET = -1;

    private final Map<String, Entry> entries = new LinkedHashMap<>();

    /** Its key is as the store has it: table, bar, key in the table. */
    static final class Entry {
        private final String key;
        private final byte[] bytes;
        private final String why;

        private Entry(String key, byte[] bytes, String why) {
            this.key = key;
            this.bytes = bytes;
            this.why = why;
        }

        String key() {
            return key;
        }

        String why() {
            return why;
        }

        boolean isStillIn(KeyValueStore<String, byte[]> store) {
            return Arrays.equals(store.get(key), bytes);
        }

        /** The request of the run that it is a state of, as far as it can be read. */
        Optional<RunRequest> request() {
            return StateJson.request(bytes);
        }

        String table() {
            return key.substring(0, key.indexOf('|'));
        }

        /** The model that it is filed under, if it is filed by model and something else. */
        Optional<String> model() {
            return part(1);
        }

        /** What it is filed under beside the model. */
        Optional<String> rest() {
            return part(2);
        }

        private Optional<String> part(int index) {
            String[] parts = key.split("\\|", 3);
            return parts.length == 3 ? Optional.of(parts[index]) : Optional.empty();
        }

        ConsumerRecord<String, byte[]> origin(int partition) {
            return new ConsumerRecord<>(
                    Stores.STATE,
                    partition,
                    NO_OFFSET,
                    ConsumerRecord.NO_TIMESTAMP,
                    TimestampType.NO_TIMESTAMP_TYPE,
                    ConsumerRecord.NULL_SIZE,
                    bytes.length,
                    key,
                    bytes,
                    new RecordHeaders(),
                    Optional.empty());
        }
    }

    void found(String key, byte[] bytes, UnreadableStateException why) {
        entries.put(key, new Entry(key, bytes, String.valueOf(why.getMessage())));
    }

    /** What was found since the last call. */
    List<Entry> take() {
        List<Entry> taken = List.copyOf(entries.values());
        entries.clear();
        return taken;
    }
}
