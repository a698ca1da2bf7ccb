package io.millrace.benchmarks;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import java.util.List;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The benchmarks, each a subcommand; one that misses its limit ends with exit code 1. */
@Command(
        name = "benchmarks",
        description = "Measures Millrace and prints each figure beside its limit or peer.",
        mixinStandardHelpOptions = true,
        subcommands = {
            LatencyBenchmark.class,
            RunsBenchmark.class,
            TakeoverBenchmark.class,
            LoadBenchmark.class,
            SlotsBenchmark.class,
            RollingRestartBenchmark.class,
            S3Benchmark.class,
            QuantizeBenchmark.class,
            KernelsBenchmark.class
        })
public final class Benchmarks {
    private Benchmarks() {}

    public static void main(String[] arguments) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            for (String name : List.of(org.slf4j.Logger.ROOT_LOGGER_NAME, "org.apache.kafka", "kafka")) {
                context.getLogger(name).setLevel(Level.ERROR);
            }
        }
        CommandLine line = new CommandLine(new Benchmarks());
        System.exit(line.execute(arguments));
    }
}
