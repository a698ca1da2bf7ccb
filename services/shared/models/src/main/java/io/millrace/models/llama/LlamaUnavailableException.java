package io.millrace.models.llama;

import java.io.IOException;

/** No llama.cpp is known for machines like this one: what needs it is not measured here. */
public final class LlamaUnavailableException extends IOException {
    LlamaUnavailableException(String problem) {
        super(problem);
    }
}
