package io.millrace.conductor.topology;

import io.millrace.conductor.run.LatestModel;
import io.millrace.conductor.run.RunState;
import io.millrace.conductor.run.Tables;
import io.millrace.conductor.run.Ticket;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Policy;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;

/** The stores, by name. The names are part of the changelog topics: never rename one. */
final class Stores {
    private static final String OPEN = "open-runs";
    private static final String ENDED = "ended-runs";
    private static final String TICKETS = "tickets";
    private static final String CHECKPOINTS = "checkpoints";
    private static final String NEWEST = "newest-checkpoints";
    private static final String LATEST = "latest-models";
    private static final String POLICIES = "policies";

    private Stores() {}

    static Set<StoreBuilder<?>> builders() {
        return Set.of(
                builder(OPEN, RunState.Open.class),
                builder(ENDED, RunState.Ended.class),
                builder(TICKETS, Ticket.class),
                builder(CHECKPOINTS, CheckpointPublished.class),
                builder(NEWEST, CheckpointPublished.class),
                builder(LATEST, LatestModel.class),
                builder(POLICIES, Policy.class));
    }

    static Tables tables(StoreLookup stores) {
        return new Tables(
                table(stores, OPEN),
                table(stores, ENDED),
                table(stores, TICKETS),
                table(stores, CHECKPOINTS),
                table(stores, NEWEST),
                table(stores, LATEST),
                table(stores, POLICIES));
    }

    /** Finds a store of the task. */
    @FunctionalInterface
    interface StoreLookup {
        StateStore find(String name);
    }

    @SuppressWarnings("unchecked") // the builder of this name made it with these types
    private static <V> StoreTable<V> table(StoreLookup stores, String name) {
        return new StoreTable<>((KeyValueStore<String, V>) stores.find(name));
    }

    private static <V> StoreBuilder<KeyValueStore<String, V>> builder(String name, Class<V> type) {
        return org.apache.kafka.streams.state.Stores.keyValueStoreBuilder(
                        org.apache.kafka.streams.state.Stores.persistentKeyValueStore(name),
                        Serdes.String(),
                        StateJson.serde(type))
                .withLoggingEnabled(Map.of());
    }
}
