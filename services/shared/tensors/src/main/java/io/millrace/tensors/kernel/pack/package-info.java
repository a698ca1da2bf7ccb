/**
 * Rounds weights to codes that share a scale: groups packed into 32-bit words, whole rows of bytes. {@link
 * io.millrace.tensors.kernel.pack.ScalarGroups} and {@link io.millrace.tensors.kernel.pack.ScalarRows} are the
 * specification; {@link io.millrace.tensors.kernel.pack.VectorGroups} and {@link
 * io.millrace.tensors.kernel.pack.VectorRows} give the same bits and the same sums at every vector width.
 */
@NullMarked
package io.millrace.tensors.kernel.pack;

import org.jspecify.annotations.NullMarked;
