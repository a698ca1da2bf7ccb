/**
 * F16 and BF16 to F32 and back, and the search for NaN and infinity. Each kernel has a scalar twin, {@link
 * io.millrace.tensors.kernel.convert.HalfFloats}, that is its specification bit for bit.
 */
@NullMarked
package io.millrace.tensors.kernel.convert;

import org.jspecify.annotations.NullMarked;
