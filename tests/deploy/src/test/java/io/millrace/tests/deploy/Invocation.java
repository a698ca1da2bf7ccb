package io.millrace.tests.deploy;

import io.millrace.cli.Main;
import io.millrace.worker.configuration.Setting;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * The command of a container of Millrace.
 *
 * @param where which container
 */
record Invocation(String where, List<String> command, Map<String, ?> environment) {
    /**
     * As the product reads it: the variables of the container count as the options that they stand for.
     *
     * @throws CommandLine.ParameterException if the product would refuse it
     */
    ParseResult parsed() {
        CommandLine tree = Main.commandLine(Map.of());
        List<String> arguments = new ArrayList<>(command);
        CommandLine first = Objects.requireNonNull(tree.getSubcommands().get(arguments.getFirst()), where);
        for (OptionSpec option : first.getCommandSpec().options()) {
            environment.forEach((name, value) -> {
                if (standsFor(name, option) && !arguments.contains(option.longestName())) {
                    arguments.add(option.longestName() + "=" + value);
                }
            });
        }
        return tree.parseArgs(arguments.toArray(String[]::new));
    }

    /** The port of its metrics and health; empty if it opens none. */
    String port() {
        return String.valueOf(parsed().subcommand().<Object>matchedOptionValue("--management-port", ""));
    }

    private static boolean standsFor(String variable, OptionSpec option) {
        return Setting.of(option)
                .filter(setting -> setting.variable().equals(variable))
                .isPresent();
    }
}
