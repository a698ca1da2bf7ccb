package io.millrace.conductor.topology;

import java.util.Set;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;

/** Makes the deciding processor of each task, with its stores. */
record DecideSupplier(Wiring wiring) implements ProcessorSupplier<String, byte[], byte[], Outgoing> {
    @Override
    public Processor<String, byte[], byte[], Outgoing> get() {
        return new Decide(wiring);
    }

    @Override
    public Set<StoreBuilder<?>> stores() {
        return Stores.builders();
    }
}
