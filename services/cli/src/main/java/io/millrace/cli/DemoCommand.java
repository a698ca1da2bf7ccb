package io.millrace.cli;

import io.millrace.cli.demo.Demo;
import io.millrace.cli.local.FolderLock;
import io.millrace.cli.local.Home;
import io.millrace.cli.local.LocalMode;
import io.millrace.cli.local.LocalSettings;
import io.millrace.events.Device;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.FolderTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.kafka.common.errors.InterruptException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows the whole product on real input. */
@Command(
        name = "demo",
        description =
                "Starts everything on this machine, trains a small Llama on stories, and compresses each checkpoint"
                        + " that it publishes for four targets, one of which asks the impossible. Takes some minutes. Ends with 6"
                        + " if a run did not end as it should.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace demo"})
final class DemoCommand implements Callable<Integer> {
    @Mixin
    private final Output output = new Output();

    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = "Folder of the demo, emptied first (default: ${DEFAULT-VALUE}).")
    private Path folder = Path.of(".millrace", "demo");

    @Option(names = "--seed", paramLabel = "N", description = "Of stories and training (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Override
    public Integer call() throws IOException, InterruptedException {
        long startNanos = System.nanoTime();
        Home home = new Home(folder);
        makeFresh(home);
        Path policy = Demo.prepare(home, seed);
        LocalSettings settings = new LocalSettings(
                home, Optional.empty(), Map.of(), Topics.DEFAULT, home.store().toString(), List.of(Device.CPU), 1);
        output.remark("starting a Kafka broker, the conductor and four stage services in " + home.folder() + " …");
        try (StopSignal stop = StopSignal.install()) {
            stop.onRaise(Thread.currentThread()::interrupt);
            return run(settings, stop, policy, startNanos);
        }
    }

    private int run(LocalSettings settings, StopSignal stop, Path policy, long startNanos)
            throws IOException, InterruptedException {
        Home home = settings.home();
        try (LocalMode local = LocalMode.start(settings, stop::raise)) {
            return run(local, policy, startNanos);
        } catch (InterruptedException | InterruptException | CommandFailure e) {
            if (!stop.raised()) {
                throw e;
            }
            // Said before the signal is let go of: then the JVM ends at once.
            output.remark((stop.asked() ? "the demo was stopped" : "the demo cannot go on, " + stop.await())
                    + "; what it made until then lies in " + home.folder() + ", and 'millrace demo' starts afresh");
            return stop.asked() ? ExitCode.INTERRUPTED : ExitCode.FAILED;
        }
    }

    private int run(LocalMode local, Path policy, long startNanos) throws IOException, InterruptedException {
        Home home = new Home(folder);
        Connection connection = new Connection(
                Map.of("bootstrap.servers", local.kafka()),
                Topics.DEFAULT,
                Optional.of(home.store().toString()));
        try {
            applyPolicy(connection, policy);
            Demo demo = new Demo(connection, home, output.out(), Terminal.present(), seed, startNanos);
            return demo.run() ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
        } finally {
            // A Kafka client answers an interrupt and leaves it set; what is closed from here on must be closed in
            // order.
            var _ = Thread.interrupted();
        }
    }

    private static void applyPolicy(Connection connection, Path policy) throws IOException {
        try (TopicReader reader = connection.reader();
                ArtifactStore store = connection.store()) {
            connection.send(PolicyApplyCommand.resolve(connection, reader, store, PolicySource.read(policy), 1));
        }
    }

    /** Empties the folder of an earlier demo, all but its lock, and touches nothing else. */
    private static void makeFresh(Home home) throws IOException {
        Path folder = home.folder();
        if (!Files.exists(folder) || entries(folder).isEmpty()) {
            return;
        }
        if (!Files.exists(folder.resolve(Demo.MARK))) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    folder + " is not empty and holds no " + Demo.MARK
                            + ", as the folder of a demo does; name another --home, or delete it yourself");
        }
        try (FolderLock _ = home.lock()) {
            for (Path entry : entries(folder)) {
                if (!entry.endsWith(Home.LOCK)) {
                    FolderTree.delete(entry);
                }
            }
        }
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }
}
