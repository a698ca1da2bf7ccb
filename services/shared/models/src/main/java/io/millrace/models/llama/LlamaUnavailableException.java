package io.millrace.models.llama;

import java.io.IOException;

/** This machine has no llama.cpp that we know how to call: what needs it is not measured here. */
public final class LlamaUnavailableException extends IOException {
    LlamaUnavailableException(String problem) {
        super(problem);
    }
}
