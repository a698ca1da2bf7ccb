/**
 * The prune stage: removes what matters least from a checkpoint and writes a checkpoint again, each tensor in the element
 * type it came in. The algorithms are in {@code method}.
 */
@NullMarked
package io.millrace.pruner;

import org.jspecify.annotations.NullMarked;
