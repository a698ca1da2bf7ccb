package io.millrace.cli;

import io.millrace.store.DiskFullException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.InterruptException;
import picocli.CommandLine.Model.CommandSpec;

/** Something long that shows how far it is, and that a signal interrupts so that it can clear up behind itself. */
@FunctionalInterface
interface StoppableWork {
    /** Does it and returns the exit code. */
    int run(ProgressLine progress) throws IOException, InterruptedException;

    /** @param left what is there if it is stopped, or the disk fills */
    static int run(CommandSpec spec, Output output, Supplier<String> left, StoppableWork work) throws IOException {
        ProgressLine progress = new ProgressLine(spec.commandLine().getErr(), Terminal.present(), System::nanoTime);
        try (StopSignal stop = StopSignal.install()) {
            stop.onRaise(Thread.currentThread()::interrupt);
            try {
                return work.run(progress);
            } catch (InterruptedException
                    | InterruptException
                    | InterruptedIOException
                    | ClosedByInterruptException _) {
                // Said before the signal is let go of: then the JVM ends at once.
                progress.clear();
                output.remark("stopped; " + left.get());
                return ExitCode.INTERRUPTED;
            } catch (IOException e) {
                if (DiskFullException.saidBy(e)) {
                    throw new CommandFailure(
                            ExitCode.UNAVAILABLE,
                            "the disk is full (" + e.getMessage() + "): " + left.get()
                                    + "; make room, then run it again",
                            e);
                }
                throw e;
            } finally {
                // A signal that comes from here on finds nothing to interrupt.
                var _ = Thread.interrupted();
            }
        }
    }
}
