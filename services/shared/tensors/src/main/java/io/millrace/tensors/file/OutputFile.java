package io.millrace.tensors.file;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file that is written in pieces, each byte once and in any order, forced to disk behind them and digested beside them if
 * that is wanted. A digested file may have no gap. For one thread.
 */
public final class OutputFile implements AutoCloseable {
    private final FileChannel channel;
    private final WriteBehind behind;
    private final @Nullable FollowingDigest digest;
    private long appended;

    private OutputFile(FileChannel channel, boolean digested) {
        this.channel = channel;
        this.behind = new WriteBehind(channel::force);
        this.digest = digested ? new FollowingDigest(channel) : null;
    }

    /** Opens an empty file under this name. */
    public static OutputFile create(Path file, boolean digested) throws IOException {
        return new OutputFile(
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE),
                digested);
    }

    /** Writes what remains of the buffer. */
    public void write(ByteBuffer bytes, long offset) throws IOException {
        ByteBuffer rest = bytes.duplicate();
        long at = offset;
        while (rest.hasRemaining()) {
            at += channel.write(rest, at);
        }
        if (digest != null) {
            digest.written(bytes, offset);
        }
        behind.written(at - offset);
    }

    /** Writes what remains of the buffer after all that was appended before. */
    public void append(ByteBuffer bytes) throws IOException {
        write(bytes, appended);
        appended += bytes.remaining();
    }

    /** The same as a stream, which leaves the file open. */
    public OutputStream appending() {
        return new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                write(new byte[] {(byte) value}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                append(ByteBuffer.wrap(bytes, offset, length));
            }
        };
    }

    /**
     * Forces all of it to the disk.
     *
     * @return its SHA-256, if that is wanted
     */
    public Optional<byte[]> finish() throws IOException {
        behind.finish();
        return digest == null ? Optional.empty() : Optional.of(digest.finish());
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
