package io.millrace.distiller;

import io.millrace.worker.StageCommand;

/** Runs distill workers. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        StageCommand.run(new DistillStage(), "distiller", args);
    }
}
