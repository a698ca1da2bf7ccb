package io.millrace.tensors.format.gguf;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The SHA-256 of a file that is being written from front to back: it reads what was written while the system still holds it. */
final class FollowingDigest {
    private static final int STEP_BYTES = 256 << 10;

    private final FileChannel file;
    private final MessageDigest sha256;
    private final ByteBuffer buffer = ByteBuffer.allocate(STEP_BYTES);
    private long done;

    /** @param file open for reading */
    FollowingDigest(FileChannel file) {
        this.file = file;
        try {
            this.sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    /** Takes in what it has not seen of bytes [0, end), which do not change any more. */
    void upTo(long end) throws IOException {
        while (done < end) {
            buffer.clear().limit((int) Math.min(STEP_BYTES, end - done));
            int read = file.read(buffer, done);
            if (read < 0) {
                throw new EOFException("the file ends at byte " + done + " while it is written, expected " + end
                        + " bytes; another process cut it off");
            }
            sha256.update(buffer.flip());
            done += read;
        }
    }

    /** The digest of a file of so many bytes. */
    byte[] of(long sizeBytes) throws IOException {
        upTo(sizeBytes);
        return sha256.digest();
    }
}
