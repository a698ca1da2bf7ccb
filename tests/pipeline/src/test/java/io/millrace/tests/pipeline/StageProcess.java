package io.millrace.tests.pipeline;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.pruner.PruneStage;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * One prune job in a process of its own: a method, a checkpoint, a folder to work in. It prints the bytes of memory that no
 * file stands behind, the most that was seen at any progress that the stage reported; 0 where the system does not tell.
 */
final class StageProcess {
    private static final Parameters.Magnitude HALF =
            new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), true);
    private static final Parameters.Neurons QUARTER = new Parameters.Neurons(0.25, 256);
    private static final Path STATUS = Path.of("/proc/self/status");

    private StageProcess() {}

    public static void main(String[] args) throws Exception {
        Path checkpoint = Path.of(args[1]);
        Path work = Path.of(args[2]);
        switch (args[0]) {
            case "neurons" -> run(QUARTER, checkpoint, work);
            case "magnitude" -> run(HALF, checkpoint, work);
            default -> throw new IllegalArgumentException("no job is called '" + args[0] + "'");
        }
    }

    private static void run(Parameters.Prune parameters, Path checkpoint, Path work) throws Exception {
        AtomicLong most = new AtomicLong();
        Workspace workspace = new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long done, long total, String message) {
                most.accumulateAndGet(anonymousBytes(), Math::max);
            }
        };
        new PruneStage().run(new StageInput<>(Map.of(Role.MODEL, checkpoint), parameters, 0, Device.CPU), workspace);
        System.out.println(most.get());
    }

    /** Heap, stacks and native memory that are in use; mapped files are left out, for their pages are the system's. */
    private static long anonymousBytes() {
        if (!Files.isReadable(STATUS)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith("RssAnon:") || line.startsWith("RssShmem:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
