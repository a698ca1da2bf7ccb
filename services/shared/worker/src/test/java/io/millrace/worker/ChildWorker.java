package io.millrace.worker;

import java.util.concurrent.CountDownLatch;

/** A worker process whose stage never returns: it hangs, or takes the process with it. */
final class ChildWorker {
    private ChildWorker() {}

    public static void main(String[] args) {
        boolean halts = "halt".equals(System.getProperty("mode"));
        StageCommand.run(
                new FakeStage((input, workspace) -> {
                    if (halts) {
                        Runtime.getRuntime().halt(7);
                    }
                    new CountDownLatch(1).await();
                }),
                "pruner",
                args);
    }
}
