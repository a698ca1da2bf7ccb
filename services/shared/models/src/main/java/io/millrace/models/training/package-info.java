/**
 * Training on one process's engine: next-token training of a fresh model, and distillation of a compressed model from its
 * original. Same seed and settings give the same sequence of batches, and a run that was interrupted continues from its
 * saved state as if nothing had happened. No data pipeline, no checkpoints policy: callers decide what to keep.
 *
 * <p>Only the student is whole in memory, with its gradients and two moments: 16 bytes a weight. The teacher's layers are
 * read in turn for some steps ahead, logits are made for a block of positions at a time, and where what all layers keep for
 * their gradients would not fit, each is computed twice. None of it depends on the machine but the last, which shows in no
 * bit of the result. What cannot fit is refused before it begins: Linux would end the process instead.
 */
@NullMarked
package io.millrace.models.training;

import org.jspecify.annotations.NullMarked;
