package io.millrace.cli;

/** What a command's exit status says; printed at the end of {@code millrace --help}. */
final class ExitCode {
    static final int OK = 0;
    /** Something went wrong that no other code names. */
    static final int FAILED = 1;
    /** The command line is wrong. */
    static final int USAGE = 2;
    /**
     * What was asked for is not there. Java ends with the same code where it is told to end when the heap is full, as
     * {@code millrace} tells it for those that go on by themselves: of these it means nothing else.
     */
    static final int NOT_FOUND = 3;
    /** Kafka, the store or the surroundings of this machine are missing or unreachable. */
    static final int UNAVAILABLE = 4;
    /** What was given is refused: a policy, a checkpoint, a folder in use. */
    static final int REFUSED = 5;
    /** It was done, and the outcome is not the one that was hoped for. */
    static final int UNSUCCESSFUL = 6;

    /** Ctrl-C, as shells have it. */
    static final int INTERRUPTED = 130;

    private ExitCode() {}
}
