package io.millrace.worker;

import io.millrace.store.StoreAddressException;
import io.millrace.worker.configuration.Configuration;
import io.millrace.worker.observe.LogFormat;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The main program of a stage: {@code StageCommand.run(new PruneStage(), "pruner", args)}; or a subcommand of another
 * program, by {@link #command}.
 */
@Command(
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped as it was told",
            "1:something went wrong that no other code names, such as a job that does not answer; start it again",
            "2:the command line is wrong",
            "4:Kafka, the store or the work folder is missing, does not answer or is not as it should be"
        })
public final class StageCommand implements Callable<Integer> {
    private static final int STOPPED = 0;
    private static final int BROKEN = 1;
    private static final int UNAVAILABLE = 4;

    private final Stages stages;
    private final String service;

    @Mixin
    private WorkerOptions options = new WorkerOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private StageCommand(Stages stages, String service) {
        this.stages = stages;
        this.service = service;
    }

    /** Runs the process of one stage and ends it. */
    public static void run(Stage<?> stage, String service, String... args) {
        run(List.of(stage), service, args);
    }

    /** Runs the process of several stages and ends it. */
    public static void run(List<Stage<?>> stages, String service, String... args) {
        CommandLine line = command(stages, service);
        Configuration.install(line, System.getenv(), args);
        System.exit(line.execute(args));
    }

    /** The command, which runs until it is told to stop. */
    public static CommandLine command(List<Stage<?>> all, String service) {
        Stages stages = new Stages(all);
        CommandLine line = new CommandLine(new StageCommand(stages, service));
        line.setCommandName(service);
        line.getCommandSpec()
                .usageMessage()
                .description("Runs a worker that takes the jobs of "
                        + stages.names().stream()
                                .map(stage -> "'" + stage.wireName() + "'")
                                .collect(Collectors.joining(" and "))
                        + " from Kafka and commits their results to the artifact store, until it is stopped.")
                .footer(
                        "",
                        "Example:",
                        "  ${COMMAND-FULL-NAME} --kafka broker:9092 --store /srv/millrace --devices h100");
        return line;
    }

    @Override
    public Integer call() throws InterruptedException {
        (options.logJson() ? LogFormat.JSON : LogFormat.TEXT).apply();
        WorkerSettings settings = settings();
        options.withParent().ifPresent(StageCommand::endWith);
        AtomicBoolean ended = new AtomicBoolean();
        try (Worker worker = Worker.start(stages, settings)) {
            Thread stop = Thread.ofPlatform().name("stop").unstarted(() -> {
                if (!ended.get()) {
                    worker.stop();
                    // Being told to stop is no failure; the JVM would end with 143.
                    Runtime.getRuntime().halt(STOPPED);
                }
            });
            Runtime.getRuntime().addShutdownHook(stop);
            worker.await();
            ended.set(worker.broken());
            return worker.broken() ? BROKEN : STOPPED;
        } catch (StoreAddressException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        } catch (IOException e) {
            spec.commandLine().getErr().println(spec.qualifiedName() + ": " + e.getMessage());
            return UNAVAILABLE;
        }
    }

    /** From before Kafka is asked for anything: what dies early takes its broker with it. */
    private static void endWith(long process) {
        var _ = ProcessHandle.of(process)
                .map(ProcessHandle::onExit)
                .orElseGet(() -> CompletableFuture.completedFuture(null))
                .thenRun(() -> System.exit(STOPPED));
    }

    private WorkerSettings settings() {
        try {
            return options.settings(service);
        } catch (IOException | IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
