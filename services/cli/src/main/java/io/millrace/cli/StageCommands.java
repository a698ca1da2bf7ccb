package io.millrace.cli;

import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.distiller.DistillStage;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.worker.Stage;
import io.millrace.worker.StageCommand;
import java.util.List;
import picocli.CommandLine;

/** The stage services as commands of {@code millrace}, each with the options of its own main program. */
final class StageCommands {
    private StageCommands() {}

    static void addTo(CommandLine millrace) {
        add(millrace, "pruner", new PruneStage());
        add(millrace, "distiller", new DistillStage());
        add(millrace, "quantizer", new QuantizeStage());
        add(millrace, "benchmarker", new BenchmarkStage());
    }

    private static void add(CommandLine millrace, String name, Stage<?> stage) {
        millrace.addSubcommand(name, StageCommand.command(List.of(stage), name));
    }
}
