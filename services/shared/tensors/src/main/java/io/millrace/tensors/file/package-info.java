/** Files of any size that are whole or not there, on the disk when they are called finished, and digested while they are written. */
@NullMarked
package io.millrace.tensors.file;

import org.jspecify.annotations.NullMarked;
