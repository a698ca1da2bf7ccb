package io.millrace.tensors.kernel.pack;

/**
 * What a group's codes mean: weight = (code - zeroPoint) * value.
 *
 * @param stored the scale as the file holds it
 * @param value the same scale
 */
record GroupScale(short stored, float value, int zeroPoint) {}
