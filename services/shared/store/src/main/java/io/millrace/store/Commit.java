package io.millrace.store;

/** How a commit ended; both carry the result that stands. */
public sealed interface Commit {
    JobResult standing();

    /** This writer's result stands. */
    record Won(JobResult standing) implements Commit {}

    /** Another writer was first. */
    record Lost(JobResult standing) implements Commit {}
}
