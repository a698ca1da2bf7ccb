package io.millrace.models;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * Main memory that this process may still take. Linux promises more than it has, and ends a process that wants what was
 * promised: whoever needs much asks before.
 */
public final class AvailableMemory {
    private static final Path MACHINE = Path.of("/proc/meminfo");
    private static final Path SELF = Path.of("/proc/self/status");

    private AvailableMemory() {}

    /** In bytes: of the machine what is free or can be freed, of a container's limit what this process leaves. */
    public static long bytes() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long ofLimit = system.getTotalMemorySize() - takenBytes();
        return Math.max(0, Math.min(ofLimit, read(MACHINE, "MemAvailable:").orElse(Long.MAX_VALUE)));
    }

    /** In bytes: what this process holds beside mapped files; 0 where the kernel does not say. */
    static long takenBytes() {
        return read(SELF, "RssAnon:").orElse(0);
    }

    /** @param what for the message: to do what */
    public static void require(long needed, long available, String what) {
        if (needed > available) {
            throw new NotEnoughMemoryException(String.format(
                    Locale.ROOT,
                    "not enough memory to %s: it takes %.1f GiB or more, and %.1f GiB are available",
                    what,
                    gibibytes(needed),
                    gibibytes(available)));
        }
    }

    private static double gibibytes(long bytes) {
        return bytes / (double) (1 << 30);
    }

    /** Bytes behind a word in a file of the kernel, which has kB; empty where there is no such file or word. */
    private static OptionalLong read(Path file, String word) {
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(word))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst();
        } catch (IOException | NumberFormatException none) {
            return OptionalLong.empty();
        }
    }
}
