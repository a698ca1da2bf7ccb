package io.millrace.tensors.format.gguf;

import io.millrace.tensors.format.safetensors.WriteBehind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** A file that several threads write, and what follows them: the forcing to disk and, if it is wanted, the digest. */
record PartFile(FileChannel channel, WriteBehind behind, Optional<FollowingDigest> digest) implements AutoCloseable {

    static PartFile create(Path file, boolean digested) throws IOException {
        FileChannel channel = FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        return new PartFile(
                channel,
                new WriteBehind(channel::force),
                digested ? Optional.of(new FollowingDigest(channel)) : Optional.empty());
    }

    void write(ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** Tells that all bytes before {@code end} are written, {@code bytes} of them since the last time. */
    void written(long bytes, long end) throws IOException {
        behind.written(bytes);
        if (digest.isPresent()) {
            digest.get().upTo(end);
        }
    }

    /**
     * Forces all of it to the disk.
     *
     * @return its SHA-256, if that is wanted
     */
    Optional<byte[]> finish(long sizeBytes) throws IOException {
        Optional<byte[]> hash = digest.isPresent() ? Optional.of(digest.get().of(sizeBytes)) : Optional.empty();
        behind.finish();
        return hash;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
