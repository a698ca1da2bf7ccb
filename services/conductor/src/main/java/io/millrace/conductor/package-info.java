/**
 * The conductor owns every run: it reads checkpoints, policies and what workers say, and writes jobs, gated models,
 * rejections and the state of each run. It never opens the artifact store or a tensor: it decides by digests and numbers.
 */
@NullMarked
package io.millrace.conductor;

import org.jspecify.annotations.NullMarked;
