package io.millrace.events;

/**
 * A text and how it is cut.
 *
 * @param text an artifact with one file
 * @param sequences windows at most
 * @param length tokens per window
 * @param seed of any sampling from it
 */
public record TextUse(ArtifactRef text, int sequences, int length, long seed) {}
