/**
 * compressed-tensors inside safetensors, as vLLM and transformers load them: integer weights in groups or rows, packed
 * into 32-bit words ({@code pack-quantized}); bytes with one scale per row or per block of rows and columns ({@code
 * float-quantized}, {@code int-quantized}); and 4-bit floats in groups ({@code mxfp4-pack-quantized}, {@code
 * nvfp4-pack-quantized}). Writer and reader share no packing code, so that one checks the other.
 */
@NullMarked
package io.millrace.tensors.format.compressed;

import org.jspecify.annotations.NullMarked;
