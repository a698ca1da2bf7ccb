package io.millrace.tensors.file;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.TreeMap;

/**
 * The SHA-256 of a file that is written in any order: it follows the writer from the front as far as there is no gap, and
 * reads again what was written beyond one. A writer that keeps mostly to the order of the file pays for no second reading.
 */
final class FollowingDigest {
    private static final int READ_BYTES = 1 << 20;

    private final FileChannel file;
    private final MessageDigest sha256;
    private final TreeMap<Long, Long> beyond = new TreeMap<>(); // begin → end of what stands behind a gap
    private long digested;

    /** @param file open for reading, too */
    FollowingDigest(FileChannel file) {
        this.file = file;
        try {
            this.sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    /** Tells of bytes that stand in the file from now on. */
    void written(ByteBuffer bytes, long offset) throws IOException {
        long end = offset + bytes.remaining();
        if (offset == digested) {
            sha256.update(bytes.duplicate());
            digested = end;
            follow();
        } else if (offset > digested) {
            remember(offset, end);
        } else {
            throw new IllegalStateException("byte " + offset + " was written twice");
        }
    }

    private void remember(long offset, long end) {
        Map.Entry<Long, Long> before = beyond.floorEntry(offset);
        long begin = before != null && before.getValue() == offset ? before.getKey() : offset;
        Long joined = beyond.remove(end);
        beyond.put(begin, joined == null ? end : joined);
    }

    private void follow() throws IOException {
        Map.Entry<Long, Long> next = beyond.firstEntry();
        while (next != null && next.getKey() == digested) {
            beyond.pollFirstEntry();
            read(next.getValue());
            next = beyond.firstEntry();
        }
    }

    private void read(long end) throws IOException {
        ByteBuffer piece = ByteBuffer.allocate((int) Math.min(READ_BYTES, end - digested));
        while (digested < end) {
            piece.clear().limit((int) Math.min(piece.capacity(), end - digested));
            int count = file.read(piece, digested);
            if (count < 0) {
                throw new EOFException("the file ends at " + digested + ", but was written up to " + end);
            }
            sha256.update(piece.flip());
            digested += count;
        }
    }

    /** The digest of the whole file, in which no byte may be missing. */
    byte[] finish() {
        if (!beyond.isEmpty()) {
            throw new IllegalStateException("bytes " + digested + " to " + beyond.firstKey() + " were not written");
        }
        return sha256.digest();
    }
}
