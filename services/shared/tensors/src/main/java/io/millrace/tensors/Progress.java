package io.millrace.tensors;

/** Told how far a long write has come; called from the writing thread, at least once per tensor. */
@FunctionalInterface
public interface Progress {
    Progress NONE = (doneBytes, totalBytes, what) -> {};

    void advance(long doneBytes, long totalBytes, String what);
}
