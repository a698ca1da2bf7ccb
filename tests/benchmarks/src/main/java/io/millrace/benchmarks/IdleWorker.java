package io.millrace.benchmarks;

import io.millrace.events.Parameters;
import io.millrace.worker.StageCommand;
import java.util.concurrent.CountDownLatch;

/** A quantizer in a process of its own whose jobs never end. */
final class IdleWorker {
    private IdleWorker() {}

    public static void main(String[] arguments) {
        StageCommand.run(new IdleStage<>(Parameters.Quantize.class, _ -> waitForever()), "quantizer", arguments);
    }

    private static void waitForever() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
