/**
 * How fast a compressed model runs beside its original, in a runtime that executes its format: both alternate in one
 * process, with one thread count, after a warm-up. Each pair is kept, so that a reader sees the spread.
 */
@NullMarked
package io.millrace.models.speed;

import org.jspecify.annotations.NullMarked;
