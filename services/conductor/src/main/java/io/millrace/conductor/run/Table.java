package io.millrace.conductor.run;

import io.millrace.events.ModelName;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * What the conductor remembers of one kind, by key. Keys that belong to a model begin with its name and a bar, which no
 * name contains.
 *
 * @param <V> what is remembered
 */
public interface Table<V> {
    Optional<V> get(String key);

    void put(String key, V value);

    void delete(String key);

    /** Visits every entry whose key begins so, in the order of keys. */
    void forEach(String prefix, BiConsumer<String, V> visitor);

    static String key(ModelName model, Object rest) {
        return model + "|" + rest;
    }

    static String prefix(ModelName model) {
        return model + "|";
    }
}
