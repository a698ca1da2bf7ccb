package io.millrace.conductor.topology;

import io.millrace.conductor.run.LatestModel;
import io.millrace.conductor.run.RunState;
import io.millrace.conductor.run.Tables;
import io.millrace.conductor.run.Ticket;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Policy;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;

/**
 * The store and the tables in it. One store for all: a task opens one database and one changelog partition, and starts
 * sooner; with a store per table a run takes the same processor time. The names lie in changelog topics: never change
 * one.
 */
final class Stores {
    static final String STATE = "state";
    static final String OPEN_RUNS = "open-runs";
    static final String TICKETS = "tickets";

    /** Entries that a task keeps as objects of what is read at each step, and of what is written once and seldom read. */
    private static final int IN_USE = 4096;

    private static final int OVER = 64;

    private Stores() {}

    static Set<StoreBuilder<?>> builders() {
        return Set.of(org.apache.kafka.streams.state.Stores.keyValueStoreBuilder(
                        org.apache.kafka.streams.state.Stores.persistentKeyValueStore(STATE),
                        Serdes.String(),
                        Serdes.ByteArray())
                .withLoggingEnabled(Map.of()));
    }

    static Tables tables(KeyValueStore<String, byte[]> state, Unreadable unreadable) {
        return new Tables(
                new IndexedTable<>(
                        new StoreTable<>(OPEN_RUNS, state, StateJson.serde(RunState.Open.class), IN_USE, unreadable)),
                new StoreTable<>("ended-runs", state, StateJson.serde(RunState.Ended.class), OVER, unreadable),
                new IndexedTable<>(new StoreTable<>(TICKETS, state, StateJson.serde(Ticket.class), IN_USE, unreadable)),
                new StoreTable<>("checkpoints", state, StateJson.serde(CheckpointPublished.class), OVER, unreadable),
                new StoreTable<>(
                        "newest-checkpoints", state, StateJson.serde(CheckpointPublished.class), IN_USE, unreadable),
                new StoreTable<>("latest-models", state, StateJson.serde(LatestModel.class), OVER, unreadable),
                new IndexedTable<>(
                        new StoreTable<>("policies", state, StateJson.serde(Policy.class), IN_USE, unreadable)),
                new StoreTable<>("arrivals", state, StateJson.serde(Instant.class), OVER, unreadable),
                new StoreTable<>("changes", state, StateJson.serde(Instant.class), IN_USE, unreadable));
    }
}
