package io.millrace.worker;

import io.millrace.worker.observe.LogFormat;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The main program of a stage: {@code StageCommand.run(new PruneStage(), "pruner", args)}. */
@Command(
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped when told to",
            "1:an error inside Millrace",
            "2:wrong options",
            "3:Kafka does not answer, or its topics are not as they should be",
            "4:the artifact store or the work folder cannot be used",
            "5:a job did not answer its interrupt, or a slot died; start the worker again"
        })
public final class StageCommand implements Callable<Integer> {
    private static final int STOPPED = 0;
    private static final int KAFKA = 3;
    private static final int STORE = 4;
    private static final int BROKEN = 5;

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
        System.exit(command(new Stages(stages), service).execute(args));
    }

    static CommandLine command(Stages stages, String service) {
        CommandLine line = new CommandLine(new StageCommand(stages, service));
        line.setCommandName(service);
        line.getCommandSpec()
                .usageMessage()
                .description("Takes the jobs of "
                        + stages.names().stream()
                                .map(s -> "'" + s.wireName() + "'")
                                .toList() + " from Kafka and commits their results to the artifact store.")
                .footer(
                        "",
                        "Example:",
                        "  " + service + " --kafka broker:9092 --store /srv/millrace --devices cpu,h100 --slots 2");
        return line;
    }

    @Override
    public Integer call() throws InterruptedException {
        (options.logJson() ? LogFormat.JSON : LogFormat.TEXT).apply();
        WorkerSettings settings = settings();
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
            if (options.withParent()) {
                var _ = ProcessHandle.current()
                        .parent()
                        .map(ProcessHandle::onExit)
                        .orElseGet(() -> CompletableFuture.completedFuture(null))
                        .thenRun(() -> System.exit(STOPPED));
            }
            worker.await();
            ended.set(worker.broken());
            return worker.broken() ? BROKEN : STOPPED;
        } catch (StartException e) {
            return fail(e, KAFKA);
        } catch (IOException e) {
            return fail(e, STORE);
        }
    }

    private WorkerSettings settings() {
        try {
            return options.settings(service);
        } catch (IOException | IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private int fail(IOException e, int code) {
        spec.commandLine().getErr().println(service + ": " + e.getMessage());
        return code;
    }
}
