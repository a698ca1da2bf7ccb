package io.millrace.conductor.topology;

import io.millrace.conductor.run.Table;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** A table in a store. */
record StoreTable<V>(KeyValueStore<String, V> store) implements Table<V> {
    /** Sorts after everything that follows a bar. */
    private static final char AFTER_BAR = '|' + 1;

    @Override
    public Optional<V> get(String key) {
        return Optional.ofNullable(store.get(key));
    }

    @Override
    public void put(String key, V value) {
        store.put(key, value);
    }

    @Override
    public void delete(String key) {
        store.delete(key);
    }

    @Override
    public void forEach(String prefix, BiConsumer<String, V> visitor) {
        try (KeyValueIterator<String, V> entries = prefix.isEmpty() ? store.all() : store.range(prefix, end(prefix))) {
            while (entries.hasNext()) {
                KeyValue<String, V> entry = entries.next();
                visitor.accept(entry.key, entry.value);
            }
        }
    }

    private static String end(String prefix) {
        if (!prefix.endsWith("|")) {
            throw new IllegalArgumentException("a prefix ends with '|', found '" + prefix + "'");
        }
        return prefix.substring(0, prefix.length() - 1) + AFTER_BAR;
    }
}
