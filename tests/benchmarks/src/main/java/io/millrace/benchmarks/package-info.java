/** Programs that measure, run on request: each prints its numbers beside those of the peer, taken in the same run. */
@NullMarked
package io.millrace.benchmarks;

import org.jspecify.annotations.NullMarked;
