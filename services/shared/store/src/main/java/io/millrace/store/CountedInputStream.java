package io.millrace.store;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/** Tells how many bytes have been read of it. */
final class CountedInputStream extends FilterInputStream {
    private final LongConsumer told;
    private long readBytes;

    CountedInputStream(InputStream in, LongConsumer told) {
        super(in);
        this.told = told;
    }

    @Override
    public int read() throws IOException {
        int value = super.read();
        count(value < 0 ? 0 : 1);
        return value;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int read = super.read(bytes, offset, length);
        count(Math.max(0, read));
        return read;
    }

    private void count(int bytes) {
        readBytes += bytes;
        told.accept(readBytes);
    }
}
