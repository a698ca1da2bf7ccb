package io.millrace.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Whether a server keeps the conditions of a write at all: one that does not know them writes and says nothing, and two
 * workers would both believe that their result stands. That it also keeps them when many write at once is for {@link
 * Conformance} to tell.
 */
final class S3Conditions {
    private static final String PROBE = "probe";

    private S3Conditions() {}

    static void require(S3Address address, S3Bucket bucket) throws IOException {
        byte[] content = "millrace store probe\n".getBytes(StandardCharsets.UTF_8);
        bucket.create(PROBE, content);
        // A lost answer to the first write does not matter: the object is there, or the second write shows it.
        if (bucket.sizeBytes(PROBE).isEmpty()) {
            bucket.put(PROBE, content);
        }
        if (bucket.create(PROBE, content)) {
            throw new IOException(
                    address + ": the server wrote an object although 'If-None-Match: *' forbade it; without"
                            + " atomic conditional writes two workers would both commit a job: use a server that has them, or a"
                            + " folder that all workers share");
        }
    }
}
