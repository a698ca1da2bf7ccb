package io.millrace.cli;

import picocli.CommandLine.Command;

/** The policies. */
@Command(
        name = "policy",
        description = "Says which models are compressed, how, and what they must keep.",
        mixinStandardHelpOptions = true,
        subcommands = {
            PolicyApplyCommand.class,
            PolicyListCommand.class,
            PolicyDeleteCommand.class,
            PolicyCheckCommand.class
        },
        footer = {"", "Example:", "  millrace policy apply chat-models.yaml"})
final class PolicyCommand extends CommandGroup {}
