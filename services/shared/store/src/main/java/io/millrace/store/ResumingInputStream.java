package io.millrace.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * A remote file that is read on where the connection broke. It gives up after {@link #ATTEMPTS} breaks without a byte
 * between them.
 */
final class ResumingInputStream extends InputStream {
    private static final int ATTEMPTS = 5;

    /** Opens the file at an offset. */
    interface Source {
        InputStream from(long offset) throws IOException;
    }

    private final Source source;
    private final long sizeBytes;
    private @Nullable InputStream in;
    private long offset;
    private int breaks;

    ResumingInputStream(Source source, long sizeBytes) throws IOException {
        this.source = source;
        this.sizeBytes = sizeBytes;
        this.in = source.from(0);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int at, int length) throws IOException {
        while (offset < sizeBytes) {
            try {
                if (in == null) {
                    in = source.from(offset);
                }
                int read = in.read(buffer, at, (int) Math.min(length, sizeBytes - offset));
                if (read > 0) {
                    offset += read;
                    breaks = 0;
                }
                if (read >= 0) {
                    return read;
                }
                broke(new IOException("the connection ended after " + offset + " of " + sizeBytes + " bytes"));
            } catch (InterruptedIOException e) {
                if (Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                broke(e);
            } catch (IOException | SdkException e) {
                broke(e);
            }
        }
        return -1;
    }

    private void broke(Exception cause) throws IOException {
        close();
        if (++breaks >= ATTEMPTS) {
            throw new IOException(
                    "reading stopped after " + offset + " of " + sizeBytes + " bytes, " + ATTEMPTS
                            + " times in a row; try again later, as workers do",
                    cause);
        }
    }

    @Override
    public int available() throws IOException {
        return (int) Math.min(Integer.MAX_VALUE - 1, sizeBytes - offset);
    }

    @Override
    public void close() throws IOException {
        if (in != null) {
            in.close();
            in = null;
        }
    }
}
