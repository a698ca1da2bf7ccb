/**
 * Rounds groups of weights to integers and packs them into 32-bit words. {@link
 * io.millrace.tensors.kernel.pack.ScalarGroups} is the specification; {@link io.millrace.tensors.kernel.pack.VectorGroups}
 * gives the same bits and the same sums at every vector width.
 */
@NullMarked
package io.millrace.tensors.kernel.pack;

import org.jspecify.annotations.NullMarked;
