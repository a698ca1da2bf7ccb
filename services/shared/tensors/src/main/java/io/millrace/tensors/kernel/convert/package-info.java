/**
 * F16 and BF16 to F32 and back, and the search for NaN and infinity. Each kernel has a scalar twin, {@link
 * io.millrace.tensors.kernel.convert.HalfFloats}, that is its specification bit for bit. Floats of 8 and 4 bits are
 * converted one at a time; many at once are the business of {@code kernel.pack}.
 */
@NullMarked
package io.millrace.tensors.kernel.convert;

import org.jspecify.annotations.NullMarked;
