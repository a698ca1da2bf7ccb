package io.millrace.events;

/** What a measurement means for one limit, in words that stand alone. */
public record Verdict(Limit limit, boolean kept, String explanation) {}
