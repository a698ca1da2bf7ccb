package io.millrace.conductor.run;

/** What becomes of the rungs that a run has tried when it cannot go on. */
public enum Tried {
    KEPT,
    /** No record holds the run's state with them. */
    DROPPED
}
