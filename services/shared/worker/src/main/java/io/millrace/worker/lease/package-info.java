/**
 * The poll thread of a slot: it takes one job at a time from its queues, renews the lease while the job runs on another
 * thread, and accepts the record when the outcome is published. It knows share groups and nothing of stages.
 */
@NullMarked
package io.millrace.worker.lease;

import org.jspecify.annotations.NullMarked;
