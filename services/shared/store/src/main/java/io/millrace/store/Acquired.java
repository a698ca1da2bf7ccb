package io.millrace.store;

/** What came of asking for a key. */
public sealed interface Acquired {
    /** The key is this process's to work on; {@link Lease#starts} was raised before this was returned. */
    record Held(Lease lease) implements Acquired {}

    /** Another process works on it: its beat moved. */
    record Busy(Claim claim) implements Acquired {}

    /** Its result is there. */
    record Answered(JobResult result) implements Acquired {}

    /** {@link ClaimKeeper#MAX_STARTS} processes began it and none lived to report. */
    record Poisoned(Claim claim) implements Acquired {}
}
