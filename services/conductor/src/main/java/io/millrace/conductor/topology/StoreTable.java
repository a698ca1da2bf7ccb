package io.millrace.conductor.topology;

import io.millrace.conductor.run.Table;
import io.millrace.conductor.topology.StateJson.UnreadableStateException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * A table in the store: the entries whose keys begin with its name and a bar. What was read or written of late is kept as objects: a record of a run is read far more often than
 * it changes, and reading it from JSON is most of what a decision costs.
 *
 * <p>An entry that cannot be read counts as absent, and is told to whoever moves it away.
 *
 * <p>Nobody else writes into the store. A task that starts anew, after a lost transaction too, makes its tables anew.
 */
final class StoreTable<V> implements Table<V> {
    private static final char BAR = '|';

    /** Sorts after everything that follows a bar. */
    private static final char AFTER_BAR = BAR + 1;

    private final String prefix;
    private final KeyValueStore<String, byte[]> store;
    private final Serde<V> values;
    private final int remember;
    private final Unreadable unreadable;
    private final Map<String, V> remembered = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
            return size() > remember;
        }
    };

    /** @param remember at most so many entries as objects */
    StoreTable(String name, KeyValueStore<String, byte[]> store, Serde<V> values, int remember, Unreadable unreadable) {
        this.prefix = name + BAR;
        this.store = store;
        this.values = values;
        this.remember = remember;
        this.unreadable = unreadable;
    }

    @Override
    public Optional<V> get(String key) {
        V known = remembered.get(key);
        if (known != null) {
            return Optional.of(known);
        }
        return Optional.ofNullable(store.get(prefix + key)).flatMap(bytes -> read(key, bytes));
    }

    @Override
    public void put(String key, V value) {
        store.put(prefix + key, values.serializer().serialize(store.name(), value));
        remembered.put(key, value);
    }

    @Override
    public void delete(String key) {
        if (remembered.remove(key) != null || store.get(prefix + key) != null) {
            store.put(prefix + key, null); // delete() reads what it deletes
        }
    }

    @Override
    public void forEach(String keysFrom, BiConsumer<String, V> visitor) {
        String first = prefix + keysFrom;
        try (KeyValueIterator<String, byte[]> entries = store.range(first, end(first))) {
            while (entries.hasNext()) {
                KeyValue<String, byte[]> entry = entries.next();
                String key = entry.key.substring(prefix.length());
                V known = remembered.get(key);
                Optional<V> value = known == null ? visited(key, entry.value) : Optional.of(known);
                value.ifPresent(present -> visitor.accept(key, present));
            }
        }
    }

    /** All keys, in order. */
    NavigableSet<String> keys() {
        NavigableSet<String> all = new TreeSet<>();
        try (KeyValueIterator<String, byte[]> entries = store.range(prefix, end(prefix))) {
            entries.forEachRemaining(entry -> all.add(entry.key.substring(prefix.length())));
        }
        return all;
    }

    /** A walk over a large table must not push out what is in use. */
    private Optional<V> visited(String key, byte[] bytes) {
        return remembered.size() < remember ? read(key, bytes) : decoded(key, bytes);
    }

    private Optional<V> read(String key, byte[] bytes) {
        Optional<V> value = decoded(key, bytes);
        value.ifPresent(present -> remembered.put(key, present));
        return value;
    }

    private Optional<V> decoded(String key, byte[] bytes) {
        try {
            return Optional.of(values.deserializer().deserialize(store.name(), bytes));
        } catch (UnreadableStateException e) {
            unreadable.found(prefix + key, bytes, e);
            return Optional.empty();
        }
    }

    private static String end(String prefix) {
        if (prefix.charAt(prefix.length() - 1) != BAR) {
            throw new IllegalArgumentException("a prefix ends with '|', found '" + prefix + "'");
        }
        return prefix.substring(0, prefix.length() - 1) + AFTER_BAR;
    }
}
