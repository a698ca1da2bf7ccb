package io.millrace.conductor.run;

import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * Changes to a table that have not been made yet. A record that cannot be dealt with leaves nothing behind.
 *
 * @param <V> what is remembered
 */
final class Overlay<V> implements Table<V> {
    private final Table<V> base;
    private final NavigableMap<String, Optional<V>> changes = new TreeMap<>();

    Overlay(Table<V> base) {
        this.base = base;
    }

    @Override
    public Optional<V> get(String key) {
        Optional<V> changed = changes.getOrDefault(key, Optional.empty());
        return changes.containsKey(key) ? changed : base.get(key);
    }

    @Override
    public void put(String key, V value) {
        changes.put(key, Optional.of(value));
    }

    @Override
    public void delete(String key) {
        changes.put(key, Optional.empty());
    }

    @Override
    public void forEach(String prefix, BiConsumer<String, V> visitor) {
        NavigableMap<String, V> merged = new TreeMap<>();
        base.forEach(prefix, merged::put);
        changes.forEach((key, change) -> {
            if (key.startsWith(prefix)) {
                change.ifPresentOrElse(value -> merged.put(key, value), () -> merged.remove(key));
            }
        });
        merged.forEach(visitor);
    }

    void commit() {
        changes.forEach((key, change) -> change.ifPresentOrElse(value -> base.put(key, value), () -> base.delete(key)));
    }
}
