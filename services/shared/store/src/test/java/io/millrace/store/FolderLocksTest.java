package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FolderLocksTest {
    @TempDir
    Path folder;

    /** As when two workers of several slots each fetch what the other waits for. */
    @Test
    void twoProcessesThatWaitForEachOthersLocksAreInNoDeadlockIfTheirThreadsAreNot() throws Exception {
        LockTaker here = new LockTaker(folder);
        LockTaker alsoHere = new LockTaker(folder);
        Process there = ChildProcess.of(LockTaker.class, folder.toString()).start();
        try (PrintWriter tell = new PrintWriter(there.outputWriter(), true);
                BufferedReader told = there.inputReader()) {
            here.take("aa").held().get();
            tell.println("bb");
            assertThat(told.readLine()).isEqualTo("asks for bb");
            assertThat(told.readLine()).isEqualTo("has bb");

            tell.println("aa");
            assertThat(told.readLine()).isEqualTo("asks for aa");
            LockTaker.Taking mine = alsoHere.take("bb");
            mine.awaitAsking();
            here.freeAll();

            assertThat(told.readLine()).isEqualTo("has aa");
            tell.println("free");
            mine.held().get();
            alsoHere.freeAll();
        } finally {
            there.destroyForcibly();
        }
    }

    @Test
    void whoWaitsForAnotherThreadCanBeInterrupted() throws Exception {
        LockTaker first = new LockTaker(folder);
        first.take("aa").held().get();
        LockTaker.Taking second = new LockTaker(folder).take("aa");
        second.awaitAsking();

        second.thread().interrupt();

        assertThatThrownBy(() -> second.held().get(30, TimeUnit.SECONDS))
                .hasCauseInstanceOf(FileLockInterruptionException.class);
        first.freeAll();
    }
}
