package io.millrace.store;

import io.millrace.events.Digest;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.security.MessageDigest;

/** What some bytes were: their digest and number, counted while they flowed. */
record Content(Digest digest, long sizeBytes) {
    private static final int SMALLEST_BUFFER_BYTES = 8 << 10;
    private static final int LARGEST_BUFFER_BYTES = 4 << 20;

    /** Copies everything; an interrupt ends it between two buffers. */
    static Content copy(InputStream from, OutputStream to) throws IOException {
        MessageDigest sha256 = Digest.sha256();
        byte[] buffer = new byte[Math.clamp(from.available() + 1L, SMALLEST_BUFFER_BYTES, LARGEST_BUFFER_BYTES)];
        long sizeBytes = 0;
        for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("interrupted after " + sizeBytes + " bytes");
            }
            sha256.update(buffer, 0, read);
            to.write(buffer, 0, read);
            sizeBytes += read;
        }
        return new Content(Digest.ofHash(sha256.digest()), sizeBytes);
    }

    static Content of(Path file) throws IOException {
        return of(file, OutputStream.nullOutputStream());
    }

    static Content of(Path file, OutputStream to) throws IOException {
        try (InputStream in = new FileInputStream(file.toFile())) {
            return copy(in, to);
        }
    }
}
