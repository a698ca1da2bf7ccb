package io.millrace.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The root of the command tree. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
@Command(
        name = "millrace",
        description =
                "Compresses language-model checkpoints as they are published: prune, distill, quantize, measure, gate.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            CompressCommand.class,
            InspectCommand.class,
            DequantizeCommand.class,
            DemoCommand.class,
            UpCommand.class,
            ConductorCommand.class,
            PublishCommand.class,
            PolicyCommand.class,
            RunsCommand.class,
            ShowCommand.class,
            ModelsCommand.class,
            PullCommand.class,
            SubscribeCommand.class,
            RetryCommand.class,
            CancelCommand.class,
            DeadLettersCommand.class,
            StoreCommand.class,
            TopicsCommand.class,
            DoctorCommand.class,
            HelpCommand.class
        },
        footerHeading = "%nExit codes:%n",
        footer = {
            "  0    done; what runs until Ctrl-C or SIGTERM (a service, up, subscribe, runs --watch): stopped by it",
            "  1    something went wrong that no other code names; a service: start it again",
            "  2    the command line is wrong",
            "  3    what was asked for is not there; conductor, up, demo: the heap was full, as Java says in its last line",
            "  4    Kafka, the store or something on this machine is missing or does not answer",
            "  5    what was given is refused: a policy, a model, a folder in use, an output that exists",
            "  6    done, but the outcome is not the one hoped for (demo, doctor, policy check, store verify; compress: in"
                    + " part)",
            "  130  interrupted (Ctrl-C) before it was done; 143 when terminated",
            "",
            "Examples:",
            "  millrace demo",
            "  millrace compress ./chat-7b --to gguf:Q4_K_M -o ./compressed"
        })
final class MillraceCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Read from the arguments by {@link Main}, before picocli runs; declared here so that every command takes it. */
    @SuppressWarnings("UnusedVariable")
    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            description = "Logs to the terminal, and the stack trace of an error.")
    private boolean verbose;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to do, for example 'millrace demo'");
    }
}
