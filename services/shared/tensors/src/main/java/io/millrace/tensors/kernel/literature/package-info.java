/**
 * Quantizers of the literature, as their papers define them: uniform steps, signs, three values. They are there to be
 * studied and compared, so each is written one weight at a time and is its own specification. Nothing here knows of files.
 */
@NullMarked
package io.millrace.tensors.kernel.literature;

import org.jspecify.annotations.NullMarked;
