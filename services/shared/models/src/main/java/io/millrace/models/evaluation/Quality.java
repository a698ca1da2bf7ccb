package io.millrace.models.evaluation;

/** What a comparison of two models came to: numbers, or the reason why there are none. */
public sealed interface Quality permits QualityReport, NotMeasured {}
