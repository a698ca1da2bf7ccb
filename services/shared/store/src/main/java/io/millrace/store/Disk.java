package io.millrace.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The few file system calls whose order makes a write durable: content is synced before it gets its name, and the folder
 * that holds the name before anyone is told of it. A seam for tests that die between two of them.
 */
class Disk {
    FileOutputStream create(Path file) throws IOException {
        return new FileOutputStream(file.toFile());
    }

    void sync(Path file, FileOutputStream out) throws IOException {
        out.getFD().sync();
    }

    /** Forces what others wrote. */
    void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    void syncFolder(Path folder) throws IOException {
        sync(folder);
    }

    /** Gives a file its name, replacing what has it; readers see the old or the new file, whole. */
    void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Gives a file a second name; {@link java.nio.file.FileAlreadyExistsException} if something has that name. */
    void link(Path name, Path existing) throws IOException {
        Files.createLink(name, existing);
    }
}
