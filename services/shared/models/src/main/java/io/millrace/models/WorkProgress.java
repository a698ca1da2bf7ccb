package io.millrace.models;

/** Told how far a long computation has come, from the computing thread. */
@FunctionalInterface
public interface WorkProgress {
    WorkProgress NONE = (done, total, what) -> {};

    /**
     * @param done finished units, e.g. windows or steps
     * @param total units in all
     */
    void advance(long done, long total, String what);
}
