package io.millrace.cli.demo;

import io.millrace.cli.Connection;
import io.millrace.cli.TopicFollower;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Watches the demo from its topics until every run has ended, or something makes that hopeless. */
final class DemoRun {
    private static final Duration LOOK = Duration.ofMillis(250);

    private final Connection connection;
    private final LiveView view;
    private final long startNanos;
    private final RunBoard board = new RunBoard();
    private final List<ModelPublished> models = new ArrayList<>();

    DemoRun(Connection connection, LiveView view, long startNanos) {
        this.connection = connection;
        this.view = view;
        this.startNanos = startNanos;
    }

    RunBoard board() {
        return board;
    }

    List<ModelPublished> models() {
        return List.copyOf(models);
    }

    /**
     * Returns when all the expected runs have ended.
     *
     * @throws IOException if the trainer failed or the time is over
     */
    void watch(Process trainer, Path trainerLog, int expectedRuns, Duration longest)
            throws IOException, InterruptedException {
        int linesSeen = 0;
        try (TopicFollower<RunChanged> runs =
                        new TopicFollower<>(connection, connection.topics().runs(), RunChanged.class);
                TopicFollower<ModelPublished> published =
                        new TopicFollower<>(connection, connection.topics().models(), ModelPublished.class)) {
            while (board.ended() < expectedRuns || models.size() < board.published()) {
                if (seconds() > longest.toSeconds()) {
                    throw new IOException("after " + longest.toMinutes() + " minutes only " + board.ended() + " of "
                            + expectedRuns + " runs have ended");
                }
                if (!trainer.isAlive() && trainer.exitValue() != 0) {
                    throw new IOException(
                            "the trainer ended with status " + trainer.exitValue() + "; see " + trainerLog);
                }
                linesSeen = sayTrainerLines(trainerLog, linesSeen);
                for (RunChanged run : runs.next(LOOK)) {
                    view.change(board.accept(run), seconds());
                }
                models.addAll(published.next(Duration.ZERO));
                view.draw(board.lines());
            }
        }
    }

    long seconds() {
        return Duration.ofNanos(System.nanoTime() - startNanos).toSeconds();
    }

    /** What the trainer has written since the last look. */
    private int sayTrainerLines(Path log, int seen) throws IOException {
        if (!Files.exists(log)) {
            return seen;
        }
        List<String> lines;
        try (Stream<String> all = Files.lines(log)) {
            lines = all.filter(line -> line.startsWith("step ") || line.startsWith(TrainerMain.PUBLISHED))
                    .toList();
        }
        lines.stream().skip(seen).forEach(line -> view.say("[" + seconds() + " s] trainer: " + line));
        return lines.size();
    }
}
