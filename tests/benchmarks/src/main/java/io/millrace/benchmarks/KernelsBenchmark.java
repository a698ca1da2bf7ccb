package io.millrace.benchmarks;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@link KernelRates} as a command. */
@Command(name = "kernels", description = "Weights per second of each block type beside llama.cpp, same numbers.")
final class KernelsBenchmark implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
        KernelRates.main(new String[0]);
        return 0;
    }
}
