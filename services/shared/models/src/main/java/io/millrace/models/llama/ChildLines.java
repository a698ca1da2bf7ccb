package io.millrace.models.llama;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a child process says on standard output, line by line, for a reader who can be interrupted and who waits so long. */
final class ChildLines {
    private final BlockingQueue<Optional<String>> said = new LinkedBlockingQueue<>();

    ChildLines(Process child) {
        Thread.ofPlatform().name("child-lines").daemon().start(() -> {
            try (BufferedReader reader = child.inputReader(StandardCharsets.UTF_8)) {
                reader.lines().map(Optional::of).forEach(said::add);
            } catch (IOException | UncheckedIOException ended) {
                // Its pipe broke with it; the exit code says why.
            } finally {
                said.add(Optional.empty());
            }
        });
    }

    /** The next line; empty when the last was said. */
    Optional<String> next(Duration patience) throws InterruptedException, TimeoutException {
        Optional<String> line = said.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
        if (line == null) {
            throw new TimeoutException("no word within " + patience);
        }
        return line;
    }
}
