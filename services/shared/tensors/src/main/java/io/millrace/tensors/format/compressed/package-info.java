/**
 * compressed-tensors in the {@code pack-quantized} format: integer weights in groups, packed into 32-bit words inside
 * safetensors, as vLLM and transformers load them. Writer and reader share no packing code, so that one checks the
 * other.
 */
@NullMarked
package io.millrace.tensors.format.compressed;

import org.jspecify.annotations.NullMarked;
