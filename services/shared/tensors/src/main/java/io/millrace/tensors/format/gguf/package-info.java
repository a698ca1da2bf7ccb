/**
 * GGUF files, version 3: their header as values, a reader that treats every byte as hostile, and the compressor that
 * turns a dense checkpoint into a file that llama.cpp and its kin load. Which block type a tensor gets follows
 * llama.cpp's mixtures; the arithmetic is in {@code kernel.gguf}, the names in {@code architecture}.
 */
@NullMarked
package io.millrace.tensors.format.gguf;

import org.jspecify.annotations.NullMarked;
