/**
 * The conductor on Kafka Streams: one class builds the topology, one processor decides, stores hold what
 * {@code conductor.run} remembers. Nothing here decides anything about a run.
 */
@NullMarked
package io.millrace.conductor.topology;

import org.jspecify.annotations.NullMarked;
