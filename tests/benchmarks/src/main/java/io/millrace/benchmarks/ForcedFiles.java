package io.millrace.benchmarks;

import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The files of a folder: copied and forced to disk, or forced and digested where they are. */
record ForcedFiles(Path folder) {
    private static final int COPY_BUFFER_BYTES = 4 << 20;

    List<Path> all() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    long bytes() throws IOException {
        long bytes = 0;
        for (Path file : all()) {
            bytes += Files.size(file);
        }
        return bytes;
    }

    void copyTo(Path to) throws IOException {
        Files.createDirectories(to);
        ByteBuffer buffer = ByteBuffer.allocateDirect(COPY_BUFFER_BYTES);
        for (Path file : all()) {
            Path copy = to.resolve(file.getFileName().toString());
            try (FileChannel in = FileChannel.open(file);
                    FileChannel out = FileChannel.open(copy, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                while (in.read(buffer.clear()) >= 0) {
                    buffer.flip();
                    while (buffer.hasRemaining()) {
                        out.write(buffer);
                    }
                }
                out.force(true);
            }
        }
    }

    /**
     * Forces what a stage left to the system and reads for its SHA-256 what the stage did not digest; that of the largest
     * file is the result.
     */
    String forcedDigest(Map<Path, Digest> known) throws IOException, NoSuchAlgorithmException {
        String ofLargest = "";
        long largest = -1;
        for (Path file : all()) {
            String digest = forcedDigest(file, known.get(file.toAbsolutePath()));
            if (Files.size(file) > largest) {
                largest = Files.size(file);
                ofLargest = digest;
            }
        }
        return ofLargest;
    }

    private static String forcedDigest(Path file, @Nullable Digest known) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            channel.force(true);
            if (known != null) {
                return known.hex();
            }
            while (channel.read(buffer.clear()) >= 0) {
                digest.update(buffer.flip());
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
