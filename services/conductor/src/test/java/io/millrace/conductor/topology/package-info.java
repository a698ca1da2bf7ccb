/** Tests of the topology, driven without a broker. */
@NullMarked
package io.millrace.conductor.topology;

import org.jspecify.annotations.NullMarked;
