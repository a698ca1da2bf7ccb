package io.millrace.events.policy;

/**
 * A rung that can never pass, and why.
 *
 * @param rung of the ladder, from 0
 * @param recipe as {@link io.millrace.events.Recipe#summary} writes it
 */
public record ImpossibleRung(int rung, String recipe, String reason) {}
