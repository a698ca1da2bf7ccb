/**
 * Rounds weights to codes that share a scale: groups packed into 32-bit words, groups of 4-bit floats, whole rows of
 * bytes, blocks of rows and columns; and the inputs of linear maps as engines round them. {@code Scalar*} classes are the
 * specification, {@code Vector*} classes give the same bits and the same sums at every vector width.
 */
@NullMarked
package io.millrace.tensors.kernel.pack;

import org.jspecify.annotations.NullMarked;
