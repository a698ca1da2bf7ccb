package io.millrace.store;

import java.io.FileOutputStream;
import java.nio.file.Path;

/** Does without syncs: they cost milliseconds each and matter only to a machine that crashes. */
final class UnsyncedDisk extends Disk {
    @Override
    void sync(Path file, FileOutputStream out) {}

    @Override
    void sync(Path file) {}

    @Override
    void syncFolder(Path folder) {}
}
