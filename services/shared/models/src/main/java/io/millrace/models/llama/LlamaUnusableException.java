package io.millrace.models.llama;

import java.io.IOException;

/** A llama.cpp that was meant to be here cannot be used: a fault of this machine, which says nothing about a model. */
public final class LlamaUnusableException extends IOException {
    LlamaUnusableException(String problem) {
        super(problem);
    }
}
