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
                builder(OPEN),
                builder(ENDED),
                builder(TICKETS),
                builder(CHECKPOINTS),
                builder(NEWEST),
                builder(LATEST),
                builder(POLICIES));
    }

    static Tables tables(StoreLookup stores) {
        return new Tables(
                table(stores, OPEN, RunState.Open.class),
                table(stores, ENDED, RunState.Ended.class),
                table(stores, TICKETS, Ticket.class),
                table(stores, CHECKPOINTS, CheckpointPublished.class),
                table(stores, NEWEST, CheckpointPublished.class),
                table(stores, LATEST, LatestModel.class),
                table(stores, POLICIES, Policy.class));
    }

    /** Finds a store of the task. */
    @FunctionalInterface
    interface StoreLookup {
        StateStore find(String name);
    }

    @SuppressWarnings("unchecked") // the builder of this name made it with these types
    private static <V> StoreTable<V> table(StoreLookup stores, String name, Class<V> type) {
        return new StoreTable<>((KeyValueStore<String, byte[]>) stores.find(name), StateJson.serde(type));
    }

    private static StoreBuilder<KeyValueStore<String, byte[]>> builder(String name) {
        return org.apache.kafka.streams.state.Stores.keyValueStoreBuilder(
                        org.apache.kafka.streams.state.Stores.persistentKeyValueStore(name),
                        Serdes.String(),
                        Serdes.ByteArray())
                .withLoggingEnabled(Map.of());
    }
}
