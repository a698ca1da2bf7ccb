package io.millrace.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes down what is made durable, and in which order; files that have no name yet are numbered. */
final class RecordingDisk extends Disk {
    private final List<String> calls;
    private final List<Path> temps = new ArrayList<>();

    RecordingDisk(List<String> calls) {
        this.calls = calls;
    }

    private int number(Path temp) {
        if (!temps.contains(temp)) {
            temps.add(temp);
        }
        return temps.indexOf(temp);
    }

    @Override
    void sync(Path file, FileOutputStream out) {
        calls.add("sync " + number(file));
    }

    @Override
    void sync(Path file) {
        calls.add("sync " + number(file));
    }

    @Override
    void syncFolder(Path folder) {
        calls.add("folder " + folder.getFileName());
    }

    @Override
    void rename(Path from, Path to) throws IOException {
        calls.add("name " + number(from) + " " + to.getFileName());
        super.rename(from, to);
    }

    @Override
    void link(Path name, Path existing) throws IOException {
        calls.add("name " + number(existing) + " " + name.getFileName());
        super.link(name, existing);
    }
}
