/**
 * Decoders as ONNX graphs that ONNX Runtime and its generation library load: the graph itself, one file of aligned
 * weights beside it, and a reader of such folders, and of other makers' graphs, that treats every byte as hostile. The
 * messages of protocol buffers are read here and written by {@code format.protobuf}, since few are needed. The arithmetic is in {@code kernel.onnx}, the names in {@code architecture}.
 */
@NullMarked
package io.millrace.tensors.format.onnx;

import org.jspecify.annotations.NullMarked;
