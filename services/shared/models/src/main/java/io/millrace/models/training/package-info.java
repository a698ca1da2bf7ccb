/**
 * Training on one process's engine: next-token training of a fresh model, and distillation of a compressed model from its
 * original. Same seed and settings give the same sequence of batches, and a run that was interrupted continues from its
 * saved state as if nothing had happened. No data pipeline, no checkpoints policy: callers decide what to keep.
 */
@NullMarked
package io.millrace.models.training;

import org.jspecify.annotations.NullMarked;
