package io.millrace.models.llama;

import java.io.IOException;
import org.opentest4j.TestAbortedException;

/** Skips tests on a machine without llama.cpp, and says so. */
final class LlamaPresence {
    private LlamaPresence() {}

    static void require() throws IOException {
        try {
            LlamaLibrary.open();
        } catch (LlamaUnavailableException problem) {
            throw skipped(problem);
        }
    }

    static TestAbortedException skipped(Exception problem) {
        String reason = "skipped: " + problem.getMessage();
        System.out.println(reason);
        return new TestAbortedException(reason, problem);
    }
}
