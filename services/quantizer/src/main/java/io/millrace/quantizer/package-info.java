/**
 * The quantize stage: stores a checkpoint's weights in fewer bits, as GGUF in one file or several, a compressed-tensors
 * folder, an ONNX graph with its weights or a folder with codes of the literature, with a report of what became of each
 * tensor. The arithmetic is in the tensors module; the output is the same bytes on every machine.
 */
@NullMarked
package io.millrace.quantizer;

import org.jspecify.annotations.NullMarked;
