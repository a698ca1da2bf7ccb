/**
 * Everything on one machine: an embedded Kafka broker, the conductor in this process, each stage service as a child
 * process, a folder as store. Only addresses differ from production; there is no code path that a cluster would not take.
 */
@NullMarked
package io.millrace.cli.local;

import org.jspecify.annotations.NullMarked;
