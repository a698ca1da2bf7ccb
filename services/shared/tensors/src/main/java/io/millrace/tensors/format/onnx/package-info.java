/**
 * Decoders as ONNX graphs that ONNX Runtime and its generation library load: the graph itself, one file of aligned
 * weights beside it, and a reader of such folders that treats every byte as hostile. Protobuf is written and read here,
 * since few of its messages are needed. The arithmetic is in {@code kernel.onnx}, the names in {@code architecture}.
 */
@NullMarked
package io.millrace.tensors.format.onnx;

import org.jspecify.annotations.NullMarked;
