package io.millrace.cli.compress;

import io.millrace.cli.local.FolderInUseException;
import io.millrace.store.PartialFolder;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/**
 * The workspace of one stage run: a hidden folder beside the output. What the stage made gets its final name in one step;
 * closing removes all else, so that whatever is there under its name is complete.
 */
public final class TargetFolder implements Workspace, AutoCloseable {
    /** Told how far the stage is. */
    @FunctionalInterface
    public interface Listener {
        void progress(long done, long total, String message);
    }

    private final Path output;
    private final PartialFolder partial;
    private final boolean fresh;
    private final Listener listener;

    /** @param fresh the output folder was made for this run, and goes too if nothing comes of it */
    private TargetFolder(Path output, PartialFolder partial, boolean fresh, Listener listener) {
        this.output = output;
        this.partial = partial;
        this.fresh = fresh;
        this.listener = listener;
    }

    /**
     * Makes the workspace.
     *
     * @throws FolderInUseException if another process makes the same
     */
    public static TargetFolder open(Path output, String name, Listener listener) throws IOException {
        boolean fresh = !Files.exists(output);
        Files.createDirectories(output);
        PartialFolder partial = PartialFolder.of(output.resolve(name))
                .orElseThrow(() -> new FolderInUseException(
                        output.resolve(name), "wait for it, or choose another output folder with -o"));
        return new TargetFolder(output, partial, fresh, listener);
    }

    @Override
    public Path folder() {
        return partial.files();
    }

    @Override
    public void progress(long done, long total, String message) {
        listener.progress(done, total, message);
    }

    /** Gives a finished file or folder of the workspace its name. */
    public static void publish(Path made, Path name) throws IOException {
        Files.move(made, name, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void close() throws IOException {
        partial.close();
        if (fresh && empty(output)) {
            Files.delete(output);
        }
    }

    private static boolean empty(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.findAny().isEmpty();
        }
    }
}
