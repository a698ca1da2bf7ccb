/** What all kernels share: how wide a vector is. */
@NullMarked
package io.millrace.tensors.kernel;

import org.jspecify.annotations.NullMarked;
