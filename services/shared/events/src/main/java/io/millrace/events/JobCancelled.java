package io.millrace.events;

import java.time.Instant;

/** Nobody waits for this job any more: do not start it, interrupt it if it runs. */
public record JobCancelled(JobKey job, Instant at, String why) implements Event {}
