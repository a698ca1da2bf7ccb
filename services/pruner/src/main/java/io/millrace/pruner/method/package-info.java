/**
 * One class per pruning method. They stream row blocks; none holds more than one matrix's statistics, and a ranking by
 * activations one layer's weights.
 *
 * <p>Neurons are ranked by weights (Σ of the squares of all that leave with a neuron) or by activations: Σ h² over the
 * tokens of a small calibration text, h = activation(gate(x)) · up(x). That activations on a small text are enough, and
 * no gradients are needed, is from Minitron (Muralidharan et al., "Compact Language Models via Pruning and Knowledge
 * Distillation", arXiv:2407.14679). Which statistic was measured: perplexity without a quarter of the neurons, ranked on
 * 8 (Gemma) or 16 windows of 512 tokens of prose and documentation, on 3 or 4 of other prose and other documentation:
 *
 * <pre>
 *                                     SmolLM2-135M-Instruct     Gemma 3 270M
 * all neurons                         35.3   6.8                25.6   8.3
 * Σ h²                                64.5   9.7                37.8  10.5     this one
 * Σ h² · ‖column of down‖²            65.9  10.1                41.1  11.0     as Wanda (arXiv:2306.11695) would
 * Σ |h|                               75.2   9.9                41.2  10.3
 * L2 over windows of the mean of |h|  76.1  10.0                               Minitron's
 * by chance                          520    97                 160    184
 * weights                            more than 500,000         more than 40,000
 * </pre>
 */
@NullMarked
package io.millrace.pruner.method;

import org.jspecify.annotations.NullMarked;
