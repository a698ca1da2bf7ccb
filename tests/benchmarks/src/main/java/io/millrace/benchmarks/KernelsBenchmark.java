package io.millrace.benchmarks;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@link KernelRates} as a command. */
@Command(
        name = "kernels",
        mixinStandardHelpOptions = true,
        description = "Weights per second of each block type beside llama.cpp, same numbers.")
final class KernelsBenchmark implements Callable<Integer> {
    @Option(names = "--types", split = ",", description = "block types, Q4_K,Q6_K say; all without")
    private String[] types = new String[0];

    @Override
    public Integer call() throws Exception {
        KernelRates.main(types);
        return 0;
    }
}
