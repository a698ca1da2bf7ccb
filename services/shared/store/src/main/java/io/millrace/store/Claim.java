package io.millrace.store;

import io.millrace.events.JobKey;

/**
 * Who works on a key.
 *
 * @param holder unique to a worker process
 * @param starts how many processes began this job
 * @param beat raised by the holder while it works; a claim whose beat stands still is stale
 */
public record Claim(JobKey key, String holder, int starts, long beat) {}
