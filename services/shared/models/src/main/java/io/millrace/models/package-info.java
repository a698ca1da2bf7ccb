/**
 * Decoder-only language models that run: a forward pass, a backward pass, a tokenizer. The tensor engine is DJL over
 * PyTorch, and every trap of it is answered in {@link io.millrace.models.TensorRuntime}. Weights come in as a
 * {@link io.millrace.tensors.WeightSource} and leave as one, so nothing here knows a file format. This package knows
 * nothing of jobs, events or stages.
 */
@NullMarked
package io.millrace.models;

import org.jspecify.annotations.NullMarked;
