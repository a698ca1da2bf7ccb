package io.millrace.worker.commit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Tells one start of the machine from another. */
final class Boot {
    private static final Path LINUX = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Optional<String> ID = read();

    private Boot() {}

    /** What no two boots share: the kernel's own identifier, elsewhere the start of the first process; empty if unknown. */
    static Optional<String> id() {
        return ID;
    }

    private static Optional<String> read() {
        try {
            return Optional.of(Files.readString(LINUX).strip());
        } catch (IOException notLinux) {
            return ProcessHandle.of(1)
                    .flatMap(first -> first.info().startInstant())
                    .map(Object::toString);
        }
    }
}
