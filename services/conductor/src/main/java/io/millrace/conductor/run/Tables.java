package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Policy;
import java.time.Instant;

/**
 * All that the conductor remembers.
 *
 * @param open runs that go on, by model and run
 * @param ended runs that are over, by model and run
 * @param tickets jobs under way, by model and job; {@link Tickets} knows where
 * @param checkpoints by model and version
 * @param newest the newest checkpoint, by model
 * @param latest what {@code models.latest} holds, by model, policy and target
 * @param policies by name; the same in every partition
 * @param arrivals when the broker took the last record of a checkpoint, by model and version
 * @param changes when the broker took the last change of a policy, deleted ones too, by name
 */
public record Tables(
        Table<RunState.Open> open,
        Table<RunState.Ended> ended,
        Table<Ticket> tickets,
        Table<CheckpointPublished> checkpoints,
        Table<CheckpointPublished> newest,
        Table<LatestModel> latest,
        Table<Policy> policies,
        Table<Instant> arrivals,
        Table<Instant> changes) {}
