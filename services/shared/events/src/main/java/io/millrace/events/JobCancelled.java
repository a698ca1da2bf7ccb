package io.millrace.events;

import java.time.Instant;
import java.util.Optional;

/**
 * Nobody waits for this model's job any more: do not start it, interrupt it if it runs. Another model may wait for the
 * same job, which is a record of its own. So is one for the workers of a single device; its key says which.
 *
 * @param model absent where a version before this field spoke
 */
public record JobCancelled(Optional<ModelName> model, JobKey job, Instant at, String why) implements Event {}
