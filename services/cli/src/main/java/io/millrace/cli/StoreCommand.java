package io.millrace.cli;

import picocli.CommandLine.Command;

/** Looking after the artifact store. */
@Command(
        name = "store",
        description = "Looks after the artifact store: finds what is damaged, frees what nothing names.",
        mixinStandardHelpOptions = true,
        subcommands = {StoreVerifyCommand.class, StoreGcCommand.class},
        footer = {"", "Example:", "  millrace store verify"})
final class StoreCommand extends CommandGroup {}
