/**
 * How good a compressed model is beside its original: perplexity, KL divergence and agreement of the top token over the
 * same windows of a held-out text, each with a standard error. Numbers only; what is good enough is decided elsewhere.
 */
@NullMarked
package io.millrace.models.evaluation;

import org.jspecify.annotations.NullMarked;
