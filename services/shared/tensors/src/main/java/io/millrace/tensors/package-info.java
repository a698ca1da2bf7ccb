/**
 * Weights as numbers and as files. The types here are what every format reader and writer shares: element types,
 * shapes, encodings, and the ports to read rows of a tensor and to write a planned file. Nothing in this module knows
 * of events, Kafka or a tensor engine; it can be used alone.
 */
@NullMarked
package io.millrace.tensors;

import org.jspecify.annotations.NullMarked;
