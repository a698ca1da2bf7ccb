/**
 * The block types of ggml: float rows into blocks and back, byte for byte as ggml's reference code computes them. Each
 * search sums in the reference's written order and keeps multiply and add apart, so every machine, thread count and
 * vector width gives the same bytes. {@code Scalar*} classes are the specification, {@code Lane*} classes the same
 * arithmetic with one sub-block per vector lane. Dequantizing shares no packing code with quantizing, so that each can
 * check the other. Nothing here knows files.
 */
@NullMarked
package io.millrace.tensors.kernel.gguf;

import org.jspecify.annotations.NullMarked;
