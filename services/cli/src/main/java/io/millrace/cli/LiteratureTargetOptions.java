package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.events.Literature;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** What a scheme of the literature leaves open; a policy's step says the same under the same names. */
final class LiteratureTargetOptions {
    @Option(
            names = "--bits",
            paramLabel = "N",
            description = "literature:uniform: bits of a code, 2 to 8 (default: ${DEFAULT-VALUE}).")
    private int bits = Literature.USUAL_BITS;

    @Option(
            names = "--levels",
            paramLabel = "Q",
            description =
                    "literature:uniform: Q of round(w * Q) (default: the one of least squared error for each matrix).")
    private @Nullable Double levels;

    @Option(
            names = "--threshold",
            paramLabel = "T",
            description = "literature:ternary: weights up to T times their row's mean magnitude become 0 (default:"
                    + " ${DEFAULT-VALUE}).")
    private double threshold = Literature.USUAL_THRESHOLD;

    @ArgGroup(exclusive = false)
    private @Nullable InputGrid inputs;

    /** How inputs of linear modules are rounded. */
    static final class InputGrid {
        @Option(
                names = "--input-bits",
                paramLabel = "N",
                required = true,
                description =
                        "literature: --evaluate rounds what goes into linear modules to codes of N bits, one scale"
                                + " per tensor.")
        private int bits;

        @Option(
                names = "--input-levels",
                paramLabel = "Q",
                description = "literature: Q of round(x * Q) (default: what fits the largest number of each tensor).")
        private @Nullable Double levels;
    }

    /**
     * The target as asked for; one that is not of the literature stays as it is.
     *
     * @throws IllegalArgumentException if the target cannot be so
     */
    CompressionTarget applyTo(CompressionTarget target) {
        return target.parameters() instanceof Literature scheme
                ? new CompressionTarget(Literature.of(
                        scheme.type(),
                        bits,
                        real(levels),
                        threshold,
                        Optional.ofNullable(inputs).map(grid -> new Literature.Inputs(grid.bits, real(grid.levels)))))
                : target;
    }

    private static OptionalDouble real(@Nullable Double value) {
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }
}
