package io.millrace.cli;

import io.millrace.cli.local.FolderInUseException;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.store.DiskFullException;
import io.millrace.store.StoreAddressException;
import io.millrace.store.StoreUnreachableException;
import io.millrace.tensors.MalformedFileException;
import io.millrace.worker.StartException;
import io.millrace.worker.configuration.Configuration;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code millrace} command. */
public final class Main {
    private static final String VERBOSE = "--verbose";
    /** The launcher starts them with {@code ExitOnOutOfMemoryError}, with which Java ends with code 3. */
    private static final Set<String> ENDED_BY_A_FULL_HEAP = Set.of("conductor", "up", "demo");

    private Main() {}

    public static void main(String[] arguments) {
        System.setProperty("logback.configurationFile", "io/millrace/cli/logback-cli.xml");
        System.setProperty("millrace.console.level", Arrays.asList(arguments).contains(VERBOSE) ? "INFO" : "OFF");
        int exitCode;
        try {
            exitCode = commandLine(arguments).execute(arguments);
        } catch (Error broken) {
            broken.printStackTrace();
            exitCode = ExitCode.FAILED;
        }
        // Also when threads of a library that was half started would keep the process alive.
        System.exit(exitCode);
    }

    /** The command line, ready to execute; arguments tell whether stack traces are wanted. */
    static CommandLine commandLine(String... arguments) {
        return commandLine(System.getenv(), arguments);
    }

    /** The command line for whoever brings it into a process of his own, with these variables in place of the process's. */
    public static CommandLine commandLine(Map<String, String> environment, String... arguments) {
        boolean verbose = Arrays.asList(arguments).contains(VERBOSE);
        CommandLine line = new CommandLine(new MillraceCommand());
        StageCommands.addTo(line);
        CommandSections.showIn(line);
        tellVersion(line);
        line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.registerConverter(Path.class, Main::path);
        line.setExecutionExceptionHandler((error, command, _) -> report(error, command, verbose));
        line.setParameterExceptionHandler((error, _) -> report(error));
        Configuration.install(line, environment, arguments);
        return line;
    }

    /** An empty path would be the folder that one stands in; it comes from a variable of a shell that is not set. */
    private static Path path(String value) {
        if (value.isEmpty()) {
            throw new TypeConversionException("found nothing, expected a path");
        }
        try {
            return Path.of(value);
        } catch (InvalidPathException e) {
            throw new TypeConversionException("'" + value + "' is no path (" + e.getReason()
                    + "); where a name is not ASCII, set LC_ALL=C.UTF-8");
        }
    }

    private static void tellVersion(CommandLine command) {
        command.getCommandSpec().versionProvider(new Version());
        command.getSubcommands().values().forEach(Main::tellVersion);
    }

    private static int report(ParameterException error) {
        CommandLine command = error.getCommandLine();
        command.getErr().println("millrace: " + Text.printableLines(describe(error)));
        if (!UnmatchedArgumentException.printSuggestions(error, command.getErr())) {
            command.getErr().println("See '" + command.getCommandSpec().qualifiedName() + " --help'.");
        }
        return ExitCode.USAGE;
    }

    private static String describe(ParameterException error) {
        if (error instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
            String word = unmatched.getUnmatched().getFirst();
            return error.getCommandLine().getSubcommands().isEmpty()
                    ? "'" + word + "' is more than '"
                            + error.getCommandLine().getCommandSpec().qualifiedName() + "' takes"
                    : "there is no command '" + word + "'";
        }
        // picocli's own sentence about options that exclude each other begins so.
        return String.valueOf(error.getMessage()).replaceFirst("^Error: ", "");
    }

    private static int report(Exception error, CommandLine command, boolean verbose) {
        command.getErr().println("millrace: " + Text.printableLines(describe(error, command)));
        if (verbose) {
            error.printStackTrace(command.getErr());
        }
        int exitCode = exitCode(error);
        return exitCode == ExitCode.NOT_FOUND && ENDED_BY_A_FULL_HEAP.contains(command.getCommandName())
                ? ExitCode.FAILED
                : exitCode;
    }

    private static int exitCode(Exception error) {
        return switch (error) {
            case CommandFailure failure -> failure.exitCode();
            case FolderInUseException _, MalformedFileException _ -> ExitCode.REFUSED;
            case NoSuchFileException _ -> ExitCode.NOT_FOUND;
            case StoreAddressException _ -> ExitCode.USAGE;
            case KafkaException told when KafkaRefusal.isOfSettings(told) -> ExitCode.USAGE;
            case StartException _, KafkaException _, StoreUnreachableException _ -> ExitCode.UNAVAILABLE;
            case IOException full when DiskFullException.isBehind(full) -> ExitCode.UNAVAILABLE;
            case IllegalArgumentException _ -> ExitCode.USAGE;
            default -> ExitCode.FAILED;
        };
    }

    private static String describe(Exception error, CommandLine command) {
        String message = error.getMessage() == null ? error.toString() : error.getMessage();
        return FileProblem.of(error).orElseGet(() -> switch (error) {
            case CommandFailure _, FolderInUseException _, StartException _ -> message;
            case KafkaException _ ->
                KafkaRefusal.of(error, Cluster.kafkaSettings(command), AclOperation.READ)
                        .orElse("Kafka: " + message + "; see 'millrace doctor'");
            case IOException full
            when DiskFullException.isBehind(full) -> "the disk is full (" + message + "); make room, then run it again";
            case IOException _, IllegalArgumentException _ -> message;
            default -> message + " (" + error.getClass().getSimpleName() + "; --verbose shows where)";
        });
    }
}
