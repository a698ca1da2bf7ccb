package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.events.Literature;
import io.millrace.events.Parameters.CompressedTensors;
import io.millrace.events.Parameters.Gguf;
import io.millrace.events.Parameters.Quantize;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Options of {@code compress} that change nothing of what is asked for: whoever gave one believes that the result is
 * another. {@code --importance} is none of them: scripts give the matrix that they have to whatever they make.
 */
final class UnusedOptions {
    private static final List<Kind> KINDS = List.of(
            new Kind(
                    "gguf",
                    Gguf.class::isInstance,
                    "--pure",
                    "--token-embedding-type",
                    "--output-tensor-type",
                    "--tensor-type",
                    "--split-max-tensors"),
            new Kind(
                    "gguf or compressed-tensors",
                    parameters -> parameters instanceof Gguf || parameters instanceof CompressedTensors,
                    "--split-max-size"),
            new Kind("compressed-tensors", CompressedTensors.class::isInstance, "--module-scheme", "--ignore"),
            new Kind("literature:uniform", Literature.Uniform.class::isInstance, "--bits", "--levels"),
            new Kind("literature:ternary", Literature.Ternary.class::isInstance, "--threshold"),
            new Kind("literature", Literature.class::isInstance, "--input-bits"));

    private UnusedOptions() {}

    /** Targets, and the options that only they take. */
    private record Kind(String name, Predicate<Quantize> takes, List<String> options) {
        Kind(String name, Predicate<Quantize> takes, String... options) {
            this(name, takes, List.of(options));
        }
    }

    static void refuse(CommandSpec command, Set<CompressionTarget> wanted) {
        for (Kind kind : KINDS) {
            if (wanted.stream().noneMatch(target -> kind.takes().test(target.parameters()))) {
                refuse(command, kind.options(), "is for " + kind.name() + ", which no --to asks for");
            }
        }
        if (!given(command, "--evaluate")) {
            refuse(command, List.of("--sequences", "--length"), "says how to measure, but there is no --evaluate");
        }
    }

    private static void refuse(CommandSpec command, List<String> options, String why) {
        for (String option : options) {
            if (given(command, option)) {
                throw new ParameterException(command.commandLine(), option + " " + why + "; leave it out");
            }
        }
    }

    private static boolean given(CommandSpec command, String option) {
        return command.commandLine().getParseResult().hasMatchedOption(option);
    }
}
