/**
 * Blocks of whole numbers as ONNX Runtime's operator MatMulNBits reads them. It knows numbers and bytes, and nothing of
 * files or graphs.
 */
@NullMarked
package io.millrace.tensors.kernel.onnx;

import org.jspecify.annotations.NullMarked;
