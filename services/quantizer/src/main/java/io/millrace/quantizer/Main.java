package io.millrace.quantizer;

import io.millrace.worker.StageCommand;

/** Runs quantize workers. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        StageCommand.run(new QuantizeStage(), "quantizer", args);
    }
}
