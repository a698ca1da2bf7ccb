package io.millrace.conductor.topology;

import io.millrace.conductor.run.Limits;
import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.run.WorkedQueues;
import io.millrace.events.RunChanged;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * What the processors work with.
 *
 * @param tick how often deadlines are looked at
 * @param earlyCommit of all tasks together: Streams commits them together
 * @param ended told each run that has ended
 */
public record Wiring(
        Topics topics,
        EventCodec codec,
        EventRecords records,
        DeadLetters deadLetters,
        Queues queues,
        ConductorMetrics metrics,
        Limits limits,
        WorkedQueues worked,
        LostQueues lost,
        Duration tick,
        EarlyCommit earlyCommit,
        Consumer<RunChanged> ended) {
    /** Source of the events that the conductor writes. */
    public static final String SOURCE = "millrace/conductor";

    public static Wiring of(
            Topics topics,
            EventCodec codec,
            Queues queues,
            ConductorMetrics metrics,
            Limits limits,
            LostQueues lost,
            Duration tick,
            Consumer<RunChanged> ended) {
        return new Wiring(
                topics,
                codec,
                new EventRecords(topics, codec, SOURCE),
                new DeadLetters(topics, SOURCE),
                queues,
                metrics,
                limits,
                new WorkedQueues(),
                lost,
                tick,
                new EarlyCommit(),
                ended);
    }
}
