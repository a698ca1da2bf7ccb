package io.millrace.conductor.topology;

import io.millrace.events.wire.PolicyRecord;
import java.util.Objects;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/** Sends each policy and each tombstone on, as it is; what is no policy goes to the dead letters here, once. */
final class SpreadPolicies implements Processor<String, byte[], Object, Object> {
    private final Wiring wiring;
    private final String spread;
    private final String unreadable;
    private @Nullable ProcessorContext<Object, Object> context;

    SpreadPolicies(Wiring wiring, String spread, String unreadable) {
        this.wiring = wiring;
        this.spread = spread;
        this.unreadable = unreadable;
    }

    @Override
    public void init(ProcessorContext<Object, Object> newContext) {
        context = newContext;
    }

    @Override
    public void process(Record<String, byte[]> record) {
        ProcessorContext<Object, Object> out = Objects.requireNonNull(context);
        Optional<String> problem = PolicyRecord.problem(wiring.codec(), record.key(), record.value());
        if (problem.isEmpty()) {
            out.forward(record, spread);
            return;
        }
        wiring.metrics().deadLetter();
        ConsumerRecord<String, byte[]> origin = Origin.record(record, Origin.of(out));
        Outgoing letter = Outgoing.ofBytes(wiring.deadLetters().record(origin, problem.get()));
        out.forward(new Record<>(letter.key(), letter, record.timestamp(), letter.headers()), unreadable);
    }
}
