/**
 * compressed-tensors inside safetensors, as vLLM and transformers load them: integer weights in groups, packed into
 * 32-bit words ({@code pack-quantized}), and bytes with one scale per row ({@code float-quantized}, {@code
 * int-quantized}). Writer and reader share no packing code, so that one checks the other.
 */
@NullMarked
package io.millrace.tensors.format.compressed;

import org.jspecify.annotations.NullMarked;
