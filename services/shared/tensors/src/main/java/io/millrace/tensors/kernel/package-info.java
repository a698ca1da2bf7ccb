/** What all kernels share: how wide a vector is, and how its numbers become the bytes of a file. */
@NullMarked
package io.millrace.tensors.kernel;

import org.jspecify.annotations.NullMarked;
