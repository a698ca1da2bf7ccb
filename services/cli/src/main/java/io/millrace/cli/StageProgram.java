package io.millrace.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/** A stage service as a command of {@code millrace}: all its options, {@code --help} too, are those of its own main. */
@Command
final class StageProgram implements Callable<Integer> {
    /** The stage services. */
    @SuppressWarnings("ImmutableEnumChecker") // a main method has no state
    enum Service {
        PRUNER("pruner", "Runs a worker that prunes.", io.millrace.pruner.Main::main),
        DISTILLER("distiller", "Runs a worker that distills.", io.millrace.distiller.Main::main),
        QUANTIZER("quantizer", "Runs a worker that quantizes.", io.millrace.quantizer.Main::main),
        BENCHMARKER("benchmarker", "Runs a worker that measures.", io.millrace.benchmarker.Main::main);

        private final String command;
        private final String description;
        private final Consumer<String[]> main;

        Service(String command, String description, Consumer<String[]> main) {
            this.command = command;
            this.description = description;
            this.main = main;
        }
    }

    private final Service service;

    @Unmatched
    private final List<String> arguments = new ArrayList<>();

    private StageProgram(Service service) {
        this.service = service;
    }

    static void addTo(CommandLine millrace) {
        for (Service service : Service.values()) {
            CommandLine line = new CommandLine(new StageProgram(service));
            line.getCommandSpec()
                    .usageMessage()
                    .description(service.description + " See 'millrace " + service.command + " --help'.");
            millrace.addSubcommand(service.command, line);
        }
    }

    @Override
    public Integer call() {
        service.main.accept(arguments.toArray(String[]::new));
        return ExitCode.OK;
    }
}
