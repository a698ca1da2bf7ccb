package io.millrace.cli;

import picocli.CommandLine.Command;

/** Records that nobody could read. */
@Command(
        name = "dead-letters",
        description = "Records that could not be read or made the conductor stumble.",
        mixinStandardHelpOptions = true,
        subcommands = {DeadLettersListCommand.class, DeadLettersReplayCommand.class},
        footer = {"", "Example:", "  millrace dead-letters list"})
final class DeadLettersCommand extends CommandGroup {}
