package io.millrace.client;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;

/** What is written to several files one after the other: counted together, and ended by an interrupt. */
final class CountedBytes {
    private final long totalBytes;
    private final ByteProgress progress;
    private long doneBytes;

    CountedBytes(long totalBytes, ByteProgress progress) {
        this.totalBytes = totalBytes;
        this.progress = progress;
    }

    OutputStream to(OutputStream file) {
        return new FilterOutputStream(file) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("interrupted after " + doneBytes + " of " + totalBytes + " bytes");
                }
                out.write(bytes, offset, length);
                doneBytes += length;
                progress.show(doneBytes, totalBytes);
            }
        };
    }
}
