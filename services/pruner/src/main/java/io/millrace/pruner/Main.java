package io.millrace.pruner;

import io.millrace.worker.StageCommand;

/** Runs prune workers. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        StageCommand.run(new PruneStage(), "pruner", args);
    }
}
