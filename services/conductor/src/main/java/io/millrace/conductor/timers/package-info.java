/** Back-off and deadlines. Time comes in as an argument; what wakes a deadline is the topology's business. */
@NullMarked
package io.millrace.conductor.timers;

import org.jspecify.annotations.NullMarked;
