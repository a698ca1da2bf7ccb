package io.millrace.tensors.format.gguf;

import io.millrace.tensors.format.safetensors.WriteBehind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;

/** A file that is written from front to back, digested on the way if that is wanted, and forced to disk behind. */
record PartFile(FileChannel channel, WriteBehind behind, Optional<MessageDigest> sha256) implements AutoCloseable {

    static PartFile create(Path file, boolean digested) throws IOException {
        FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        return new PartFile(
                channel, new WriteBehind(channel::force), digested ? Optional.of(newSha256()) : Optional.empty());
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    void append(ByteBuffer bytes) throws IOException {
        int count = bytes.remaining();
        sha256.ifPresent(digest -> digest.update(bytes.duplicate()));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        behind.written(count);
    }

    /**
     * Forces all of it to the disk.
     *
     * @return its SHA-256, if that is wanted
     */
    Optional<byte[]> finish() throws IOException {
        behind.finish();
        return sha256.map(MessageDigest::digest);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
