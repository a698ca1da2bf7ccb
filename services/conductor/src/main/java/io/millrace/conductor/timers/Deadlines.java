package io.millrace.conductor.timers;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * When each thing wants to be looked at, in memory alone. A task that starts counts every limit anew, so nothing here
 * has to survive it, and a sign of life costs no write. Not thread-safe: one per task.
 *
 * @param <K> what is woken
 */
public final class Deadlines<K extends Comparable<K>> {
    private final TreeMap<Instant, TreeSet<K>> byTime = new TreeMap<>();
    private final Map<K, Instant> byKey = new HashMap<>();

    public void set(K key, Instant at) {
        clear(key);
        byKey.put(key, at);
        byTime.computeIfAbsent(at, _ -> new TreeSet<>()).add(key);
    }

    public void clear(K key) {
        Instant at = byKey.remove(key);
        if (at == null) {
            return;
        }
        TreeSet<K> keys = byTime.get(at);
        if (keys != null) {
            keys.remove(key);
            if (keys.isEmpty()) {
                byTime.remove(at);
            }
        }
    }

    /** What is due, the longest overdue first; at most {@code most}, the rest later. It stays set until set or cleared. */
    public List<K> due(Instant now, int most) {
        List<K> due = new ArrayList<>();
        for (TreeSet<K> keys : byTime.headMap(now, true).values()) {
            for (K key : keys) {
                if (due.size() == most) {
                    return due;
                }
                due.add(key);
            }
        }
        return due;
    }

    /** Whether it is due still: what was done about another key may have put it off. */
    public boolean isDue(K key, Instant now) {
        Instant at = byKey.get(key);
        return at != null && !at.isAfter(now);
    }

    public Set<K> keys() {
        return Set.copyOf(byKey.keySet());
    }

    public int size() {
        return byKey.size();
    }
}
