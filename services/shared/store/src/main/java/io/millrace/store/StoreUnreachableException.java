package io.millrace.store;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The server of the store does not answer, or not as it should, or its folder is away; the message says what helps. */
public final class StoreUnreachableException extends IOException {
    private static final long serialVersionUID = 1L;

    StoreUnreachableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
