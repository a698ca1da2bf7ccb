package io.millrace.conductor.topology;

import io.millrace.conductor.run.Table;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A table whose keys are kept in memory too, in order. For entries that come and go with each run: a store looks through
 * the marks of all that were deleted since it last tidied up, whenever it is asked what stands under a model.
 */
final class IndexedTable<V> implements Table<V> {
    private final StoreTable<V> base;
    private @Nullable NavigableSet<String> keys;

    IndexedTable(StoreTable<V> base) {
        this.base = base;
    }

    @Override
    public Optional<V> get(String key) {
        return keys().contains(key) ? base.get(key) : Optional.empty();
    }

    @Override
    public void put(String key, V value) {
        keys().add(key);
        base.put(key, value);
    }

    @Override
    public void delete(String key) {
        if (keys().remove(key)) {
            base.delete(key);
        }
    }

    @Override
    public void forEach(String prefix, BiConsumer<String, V> visitor) {
        for (String key : keys().tailSet(prefix)) {
            if (!key.startsWith(prefix)) {
                return;
            }
            base.get(key).ifPresent(value -> visitor.accept(key, value));
        }
    }

    /** Read when first asked for: the store of a task is open only when the task begins. */
    private NavigableSet<String> keys() {
        NavigableSet<String> known = keys;
        if (known == null) {
            known = base.keys();
            keys = known;
        }
        return known;
    }
}
