/**
 * Reads and writes safetensors: one file, or a folder of shards with their index. Nothing here knows what a tensor
 * means.
 */
@NullMarked
package io.millrace.tensors.format.safetensors;

import org.jspecify.annotations.NullMarked;
