package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.models.TensorRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code doctor} asks of this machine. */
final class MachineChecks {
    private static final int JAVA_FEATURE = 25;
    private static final long LEAST_FREE_BYTES = 5L << 30;

    private MachineChecks() {}

    static Finding java() {
        Runtime.Version version = Runtime.version();
        boolean fine = version.feature() >= JAVA_FEATURE;
        return new Finding(
                "java",
                fine,
                version + " in " + System.getProperty("java.home") + (fine ? "" : "; install JDK 25 or newer"));
    }

    static Finding disk(Path home) throws IOException {
        Path present = home;
        while (!Files.exists(present) && present.getParent() != null) {
            present = present.getParent();
        }
        long free = Files.getFileStore(present).getUsableSpace();
        boolean fine = free >= LEAST_FREE_BYTES;
        return new Finding(
                "disk",
                fine,
                Text.bytes(free) + " free at " + present
                        + (fine ? "" : "; a checkpoint and its forms need room, free some or choose another --home"));
    }

    static Finding tensors() {
        try {
            return new Finding("tensors", true, TensorRuntime.start().description());
        } catch (RuntimeException | LinkageError e) {
            return new Finding(
                    "tensors",
                    false,
                    "DJL's PyTorch does not load: " + e.getMessage()
                            + "; on Linux x86-64 it comes with the build, elsewhere set PYTORCH_LIBRARY_PATH");
        }
    }
}
