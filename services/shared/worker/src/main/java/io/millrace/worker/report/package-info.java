/** A worker's ordinary traffic with Kafka: the events it publishes, the cancellations it follows, the check at its start. */
@NullMarked
package io.millrace.worker.report;

import org.jspecify.annotations.NullMarked;
