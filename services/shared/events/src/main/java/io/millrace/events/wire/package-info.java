/**
 * The events on the wire: Avro single-object encoding, headers, topics, and the topic of schemas. This is the only place
 * that knows Avro; everything else speaks in the records of {@code io.millrace.events}.
 */
@NullMarked
package io.millrace.events.wire;

import org.jspecify.annotations.NullMarked;
