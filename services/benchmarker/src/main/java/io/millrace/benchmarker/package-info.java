/**
 * The benchmark stage: what a candidate lost and gained against the original, measured on the finished artifact. Files are
 * opened by readers that share no packing code with their writers.
 */
@NullMarked
package io.millrace.benchmarker;

import org.jspecify.annotations.NullMarked;
