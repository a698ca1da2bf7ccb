package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.models.TensorRuntime;
import io.millrace.models.llama.LlamaProcess;
import io.millrace.models.llama.LlamaUnavailableException;
import io.millrace.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** What {@code doctor} asks of this machine. */
final class MachineChecks {
    private static final int JAVA_FEATURE = 25;
    private static final long LEAST_FREE_BYTES = 5L << 30;
    private static final String LLAMA = "llama.cpp";
    private static final Duration LLAMA_PATIENCE = Duration.ofSeconds(30);

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
        return disk("disk", home, "; a checkpoint and its forms need room, free some or choose another --home");
    }

    /** Empty if the store is no folder here, or lies on the same disk as {@code home}. */
    static Optional<Finding> storeDisk(String place, Path home) throws IOException {
        Optional<Path> folder = Stores.folderOf(place).filter(Files::isDirectory);
        if (folder.isEmpty() || Files.getFileStore(folder.get()).equals(Files.getFileStore(present(home)))) {
            return Optional.empty();
        }
        return Optional.of(disk("store's disk", folder.get(), "; free some, 'millrace store gc' may help"));
    }

    private static Finding disk(String check, Path folder, String remedy) throws IOException {
        Path present = present(folder);
        long free = Files.getFileStore(present).getUsableSpace();
        boolean fine = free >= LEAST_FREE_BYTES;
        return new Finding(check, fine, Text.bytes(free) + " free at " + present + (fine ? "" : remedy));
    }

    private static Path present(Path folder) {
        Path present = folder.toAbsolutePath();
        while (!Files.exists(present) && present.getParent() != null) {
            present = present.getParent();
        }
        return present;
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

    /** Without it no speed of a GGUF file is measured, which is right only where there is none for the machine. */
    static Finding llama() throws InterruptedException {
        try {
            return new Finding(LLAMA, true, new LlamaProcess(LLAMA_PATIENCE).runtime());
        } catch (LlamaUnavailableException e) {
            return new Finding(LLAMA, true, e.getMessage() + "; until then no speed of a GGUF file is measured");
        } catch (IOException e) {
            return new Finding(LLAMA, false, e.getMessage() + "; until then no speed of a GGUF file is measured");
        }
    }
}
