package io.millrace.models.evaluation;

/** The comparison could not give numbers that mean anything. */
public record NotMeasured(Cause cause, String reason) implements Quality {
    /** What stands in the way, as far as it changes who must act. */
    public enum Cause {
        /** Fewer windows or scored tokens than a mean needs. */
        TEXT_TOO_SHORT,
        /** Window length or vocabularies do not fit the models. */
        UNSUITABLE,
        /** The original's losses are not finite numbers. */
        ORIGINAL_NOT_FINITE,
        /** Only the candidate's are not. */
        CANDIDATE_NOT_FINITE
    }
}
