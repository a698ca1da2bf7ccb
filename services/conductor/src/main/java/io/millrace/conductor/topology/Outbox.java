package io.millrace.conductor.topology;

import io.millrace.conductor.run.Coordinator;
import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Output;
import io.millrace.conductor.run.Queue;
import io.millrace.conductor.run.TicketId;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Encodes what leaves the conductor, and forwards it. */
record Outbox(Wiring wiring) {
    private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);

    /** Encodes everything before anything is written: an event that cannot be encoded changes nothing. */
    List<Outgoing> encode(Draft draft) {
        EventRecords records = wiring.records();
        Topics topics = wiring.topics();
        List<Outgoing> encoded = new ArrayList<>();
        for (Output output : draft.outputs()) {
            switch (output) {
                case Output.Publish(var event) -> encoded.add(Outgoing.of(records.record(event)));
                case Output.PublishLatest(var event) -> encoded.add(Outgoing.of(records.latest(event)));
                case Output.CancelOnDevice(var event, var device) ->
                    encoded.add(Outgoing.of(records.cancelledOn(event, device)));
                case Output.RestoreOnDevice(var id) ->
                    encoded.add(Outgoing.tombstone(
                            topics.cancellations(), EventRecords.cancellationKey(id.model(), id.job(), id.device())));
                case Output.RestoreJob(var model, var job) ->
                    encoded.add(Outgoing.tombstone(topics.cancellations(), EventRecords.cancellationKey(model, job)));
                case Output.ForgetRun(var run) -> encoded.add(Outgoing.tombstone(topics.runs(), run.toString()));
                case Output.RefuseRecord _ -> {} // becomes a dead letter where the record is known
            }
        }
        return encoded;
    }

    Outgoing deadLetter(ConsumerRecord<String, byte[]> origin, String why) {
        wiring.metrics().deadLetter();
        return Outgoing.ofBytes(wiring.deadLetters().record(origin, why));
    }

    /** Sees to it that every queue exists that a job is about to go to. A run whose job has none fails, and no other. */
    void ensureQueues(Draft draft, Instant now) {
        for (Output output : draft.outputs()) {
            if (output instanceof Output.Publish(Job job)) {
                try {
                    wiring.queues().ensure(job.stage(), job.device());
                    wiring.lost().watch(Queue.of(job));
                } catch (QueueRefusedException e) {
                    LOG.atError().log("a job has no queue to go to: {}", e.getMessage());
                    draft.withdraw(output);
                    Failure failure = new Failure(Reason.CONDUCTOR_ERROR, e.getMessage() + "; then retry");
                    new Coordinator(wiring.limits(), wiring.worked(), draft)
                            .broken(new TicketId(job.model(), job.key(), job.device()), failure, now);
                }
            }
        }
    }

    /** Tells metrics and traces of it. */
    void count(Draft draft) {
        for (Output output : draft.outputs()) {
            if (output instanceof Output.Publish(var event)) {
                wiring.metrics().wrote(event);
                if (event instanceof RunChanged run && run.status().ended()) {
                    wiring.ended().accept(run);
                }
            }
        }
    }

    static void forward(ProcessorContext<byte[], Outgoing> context, Outgoing outgoing, Instant at) {
        context.forward(new Record<>(outgoing.key(), outgoing, at.toEpochMilli(), outgoing.headers()));
    }
}
