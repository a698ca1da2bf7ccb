package io.millrace.events;

import java.time.Duration;

/** What a job consumed. */
public record Cost(Duration compute, long bytesIn, long bytesOut) {}
