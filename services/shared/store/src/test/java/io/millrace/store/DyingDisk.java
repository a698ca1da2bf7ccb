package io.millrace.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;

/** Fails before one step of its choice, and at every later one: nothing more happens once a process is dead. */
final class DyingDisk extends Disk {
    private int left = Integer.MAX_VALUE;

    void dieAfter(int steps) {
        left = steps;
    }

    private void step() throws IOException {
        if (left-- <= 0) {
            throw new IOException("died");
        }
    }

    @Override
    FileOutputStream create(Path file) throws IOException {
        step();
        return super.create(file);
    }

    @Override
    void sync(Path file, FileOutputStream out) throws IOException {
        step();
    }

    @Override
    void sync(Path file) throws IOException {
        step();
    }

    @Override
    void syncFolder(Path folder) throws IOException {
        step();
    }

    @Override
    void rename(Path from, Path to) throws IOException {
        step();
        super.rename(from, to);
    }

    @Override
    void link(Path name, Path existing) throws IOException {
        step();
        super.link(name, existing);
    }
}
