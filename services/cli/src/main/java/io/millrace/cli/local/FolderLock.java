package io.millrace.cli.local;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Held while something runs in a folder; the operating system releases it when the process dies. */
public record FolderLock(FileChannel channel) implements AutoCloseable {
    /**
     * Locks the folder by this file, which then holds the number of this process.
     *
     * @throws FolderInUseException if another process, or another part of this one, holds it
     */
    static FolderLock take(Path folder, Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                channel.truncate(0);
                channel.write(ByteBuffer.wrap(
                        Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
                return new FolderLock(channel);
            }
        } catch (OverlappingFileLockException e) {
            // Held by another part of this very process.
        }
        channel.close();
        throw new FolderInUseException(folder);
    }

    @Override
    public void close() throws IOException {
        channel.truncate(0);
        channel.close();
    }
}
