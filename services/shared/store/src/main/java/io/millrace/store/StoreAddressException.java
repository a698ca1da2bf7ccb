package io.millrace.store;

import java.io.IOException;

/** No store can have this address: whoever wrote it has to write another. */
public final class StoreAddressException extends IOException {
    StoreAddressException(String message) {
        super(message);
    }

    StoreAddressException(String message, Throwable cause) {
        super(message, cause);
    }
}
