package io.millrace.client;

import java.io.IOException;

/** Closes two things, the second also when the first fails. */
final class Closing {
    private Closing() {}

    static void close(AutoCloseable first, AutoCloseable second) throws IOException {
        try (second) {
            first.close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }
}
