package io.millrace.store;

import io.millrace.events.Digest;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;

/** A blob as it is read; at its end it throws {@link DamagedFileException} if these were not its bytes. */
final class VerifyingInputStream extends FilterInputStream {
    private final MessageDigest sha256 = Digest.sha256();
    private final String where;
    private final Digest expected;
    private boolean ended;

    VerifyingInputStream(InputStream in, String where, Digest expected) {
        super(in);
        this.where = where;
        this.expected = expected;
    }

    static void require(String where, Digest expected, Digest found) throws DamagedFileException {
        if (!found.equals(expected)) {
            throw new DamagedFileException(where + ": content has the digest " + found + ", expected " + expected
                    + "; 'millrace store verify' says what needs it and how to make it again");
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int read = in.read(buffer, offset, length);
        if (read > 0) {
            sha256.update(buffer, offset, read);
        } else if (read < 0 && !ended) {
            ended = true;
            require(where, expected, Digest.ofHash(sha256.digest()));
        }
        return read;
    }

    /** Skipped bytes are read: they belong to the digest. */
    @Override
    public long skip(long count) throws IOException {
        byte[] buffer = new byte[Math.clamp(count, 0, 64 << 10)];
        long skipped = 0;
        while (skipped < count) {
            int read = read(buffer, 0, (int) Math.min(buffer.length, count - skipped));
            if (read < 0) {
                break;
            }
            skipped += read;
        }
        return skipped;
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
