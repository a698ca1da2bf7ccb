package io.millrace.models.llama;

import java.io.IOException;

/** llama.cpp was called and did not answer: it refused the file, aborted, or ran out of time. */
public final class LlamaFailedException extends IOException {
    LlamaFailedException(String problem) {
        super(problem);
    }
}
