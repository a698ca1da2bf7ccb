package io.millrace.cli.demo;

import io.millrace.cli.Connection;
import io.millrace.cli.local.Home;
import io.millrace.cli.local.JavaCommand;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** The demonstration on a Millrace that runs: trains, watches, and tells what came out. */
public final class Demo {
    /** A file in its folder, which says that it may be emptied. */
    public static final String MARK = "made-by-demo";

    private static final Duration LONGEST = Duration.ofMinutes(10);

    private final Connection connection;
    private final Home home;
    private final PrintWriter out;
    private final boolean terminal;
    private final long seed;
    private final long startNanos;

    /**
     * @param terminal a person watches, so the board is drawn in place
     * @param startNanos when the command began, by {@link System#nanoTime}
     */
    public Demo(Connection connection, Home home, PrintWriter out, boolean terminal, long seed, long startNanos) {
        this.connection = connection;
        this.home = home;
        this.out = out;
        this.terminal = terminal;
        this.seed = seed;
        this.startNanos = startNanos;
    }

    /** Writes its mark, the demo's texts and its policy; the policy's file. */
    public static Path prepare(Home home, long seed) throws IOException {
        Files.createDirectories(home.folder());
        Files.writeString(home.folder().resolve(MARK), "This folder is the demo's: the next one empties it.\n");
        return DemoTexts.write(home.folder(), seed);
    }

    /** Runs it; true if every run ended as it should. */
    public boolean run() throws IOException, InterruptedException {
        LiveView view = new LiveView(out, terminal);
        String training = DemoTexts.training(seed);
        String evaluation = DemoTexts.evaluation(seed);
        view.say(String.format(
                Locale.ROOT,
                "stories: %d characters to train on, %d to evaluate; sentences in common: %.1f %%; unigram perplexity %.2f"
                        + " per byte",
                training.length(),
                evaluation.length(),
                100 * StoryWriter.sharedSentences(evaluation, training),
                Unigram.perplexity(training, evaluation)));
        JavaCommand command = new JavaCommand(
                "trainer",
                "io.millrace.cli.demo.TrainerMain",
                List.of("-Xmx512m"),
                List.of(
                        connection.address(),
                        home.store().toString(),
                        connection.topics().prefix(),
                        home.folder().resolve("checkpoints").toString(),
                        Long.toString(seed)));
        Process trainer = command.start(home.logs());
        try {
            DemoRun run = new DemoRun(connection, view, startNanos);
            int runs = StoryTraining.CHECKPOINT_STEPS.size() * (DemoPolicy.HONEST.size() + 1);
            run.watch(trainer, command.log(home.logs()), runs, LONGEST);
            return new Ending(run.board().runs(), run.models(), Unigram.perplexity(training, evaluation))
                    .tell(out, home, run.seconds());
        } finally {
            trainer.destroyForcibly();
        }
    }

    /** Honest targets must have a model, the impossible one must be rejected. */
    static boolean asHoped(List<RunChanged> runs) {
        return runs.stream()
                .allMatch(run -> run.target().equals(DemoPolicy.IMPOSSIBLE)
                        ? run.status() == RunStatus.REJECTED
                        : run.status() == RunStatus.PUBLISHED);
    }
}
