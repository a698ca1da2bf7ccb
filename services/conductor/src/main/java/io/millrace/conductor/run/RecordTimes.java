package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import java.time.Duration;
import java.time.Instant;

/**
 * When the brokers took the records of checkpoints and of changes of policies. These times say what came first: policies
 * take one topic more than checkpoints, so they may be read later.
 */
record RecordTimes(Tables tables) {
    /** How far the clocks of two brokers that lead a topic one after the other may differ. */
    private static final Duration APART = Duration.ofMinutes(5);

    void published(CheckpointPublished checkpoint, Instant recordAt) {
        String key = key(checkpoint);
        tables.arrivals().put(key, later(recordAt, tables.arrivals().get(key).orElse(Instant.EPOCH)));
    }

    /**
     * The change was made before: its record is read once more, since the offsets of the conductor were lost. A last change
     * that is still to come has its time from a broker whose clock was ahead, and tells nothing.
     */
    boolean isReadAgain(String policy, Instant recordAt, Instant now) {
        Instant last = changed(policy);
        return recordAt.plus(APART).isBefore(last) && !last.isAfter(now);
    }

    void changed(String policy, Instant recordAt) {
        tables.changes().put(policy, later(recordAt, changed(policy)));
    }

    /** When the policy was changed last; at the beginning of time if that was before this was kept. */
    Instant changed(String policy) {
        return tables.changes().get(policy).orElse(Instant.EPOCH);
    }

    /** When both were there. */
    Instant since(CheckpointPublished checkpoint, String policy) {
        return later(tables.arrivals().get(key(checkpoint)).orElse(Instant.EPOCH), changed(policy));
    }

    boolean isAfter(CheckpointPublished checkpoint, Instant change) {
        return tables.arrivals().get(key(checkpoint)).filter(change::isBefore).isPresent();
    }

    /** Whether any checkpoint of the model came after a change. */
    boolean isAnyAfter(ModelName model, Instant change) {
        boolean[] any = {false};
        tables.arrivals().forEach(Table.prefix(model), (_, at) -> any[0] |= change.isBefore(at));
        return any[0];
    }

    private static String key(CheckpointPublished checkpoint) {
        return Table.key(checkpoint.model(), checkpoint.version());
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }
}
