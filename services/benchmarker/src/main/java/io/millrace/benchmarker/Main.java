package io.millrace.benchmarker;

import io.millrace.worker.StageCommand;

/** Runs benchmark workers. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        StageCommand.run(new BenchmarkStage(), "benchmarker", args);
    }
}
