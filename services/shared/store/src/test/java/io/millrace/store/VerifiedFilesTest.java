package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that is another one and has the same size and time: which copies keep, and a clock that stood still. */
class VerifiedFilesTest {
    private static final int BIG = 5 << 20;

    @TempDir
    Path temp;

    private final VerifiedFiles verified = new VerifiedFiles();

    @Test
    void aBigFileInPlaceOfAnotherIsRead() throws IOException {
        Path file = Files.write(temp.resolve("model.safetensors"), new byte[BIG]);
        assumeTrue(
                Files.readAttributes(file, BasicFileAttributes.class).fileKey() != null,
                "skipped: files have no keys here");
        FileTime modified = Files.getLastModifiedTime(file);
        verified.digest(file);
        byte[] other = new byte[BIG];
        other[7] = 1;
        Path copied = Files.write(temp.resolve("copied"), other);
        Files.setLastModifiedTime(copied, modified);
        Files.move(copied, file, StandardCopyOption.ATOMIC_MOVE);

        assertThat(verified.digest(file)).isEqualTo(Digest.of(other));
    }

    @Test
    void aSmallFileIsReadEachTime() throws IOException {
        Path file = Files.write(temp.resolve("config.json"), new byte[7]);
        FileTime modified = Files.getLastModifiedTime(file);
        verified.digest(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}));
        }
        Files.setLastModifiedTime(file, modified);

        assertThat(verified.digest(file)).isEqualTo(Digest.of(new byte[] {1, 0, 0, 0, 0, 0, 0}));
    }
}
