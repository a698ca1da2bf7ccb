package io.millrace.events;

/** Who must act on a failure. */
public enum Blame {
    /** The checkpoint: the run ends as failed. */
    CHECKPOINT,
    /** The recipe: the candidate is refused and the ladder goes on. */
    RECIPE,
    /** The policy's texts or settings: the run ends as failed. */
    POLICY,
    /** Disk, store, shutdown, another holder: the same attempt again after a pause. */
    SURROUNDINGS,
    /** Millrace or its worker: another attempt; after the last one the candidate is refused. */
    OURSELVES
}
