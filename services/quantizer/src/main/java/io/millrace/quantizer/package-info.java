/**
 * The quantize stage: stores a checkpoint's weights in fewer bits, as one GGUF file or a compressed-tensors folder, with a
 * report of what became of each tensor. The arithmetic is in the tensors module; the output is the same bytes on every
 * machine.
 */
@NullMarked
package io.millrace.quantizer;

import org.jspecify.annotations.NullMarked;
