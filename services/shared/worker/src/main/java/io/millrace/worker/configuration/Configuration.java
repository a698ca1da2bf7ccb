package io.millrace.worker.configuration;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * What the environment and the file say, for options that the command line does not have. A variable that is empty counts
 * as not there. {@link #install} gives it to every command that speaks to Kafka.
 */
public final class Configuration implements IDefaultValueProvider {
    private static final String FILE_OPTION = "--config";
    private static final String PRINT_OPTION = "--print-config";

    private final Map<String, String> environment;
    private final ConfigurationFile file;
    private final Optional<String> problem;

    private Configuration(Map<String, String> environment, ConfigurationFile file, Optional<String> problem) {
        this.environment = environment;
        this.file = file;
        this.problem = problem;
    }

    /** Lets these commands take their settings from the environment and from the file that the arguments name. */
    public static void install(CommandLine line, Map<String, String> environment, String... arguments) {
        Configuration configuration = of(environment, arguments);
        addOptions(line);
        line.setDefaultValueProvider(configuration);
        IParameterExceptionHandler handler = line.getParameterExceptionHandler();
        line.setParameterExceptionHandler((error, given) -> configuration.isAskedWhatIsMissing(error)
                ? configuration.print(error.getCommandLine())
                : handler.handleParseException(configuration.explained(error), given));
        line.setExecutionStrategy(configuration::execute);
    }

    private static Configuration of(Map<String, String> environment, String... arguments) {
        ConfigurationFile file = ConfigurationFile.NONE;
        Optional<String> problem = KnownVariables.problem(environment);
        try {
            String path = path(environment, arguments);
            file = path.isEmpty() ? file : ConfigurationFile.read(Path.of(path));
        } catch (IOException e) {
            problem = problem.or(() -> Optional.ofNullable(e.getMessage()));
        }
        return new Configuration(Map.copyOf(environment), file, problem);
    }

    /** The defaults are asked for before the arguments are parsed, so the file is looked for by hand. */
    private static String path(Map<String, String> environment, String... arguments) {
        String path = environment.getOrDefault(OtherVariable.CONFIG.variable(), "");
        for (int i = 0; i < arguments.length; i++) {
            if (arguments[i].startsWith(FILE_OPTION + "=")) {
                path = arguments[i].substring(FILE_OPTION.length() + 1);
            } else if (arguments[i].equals(FILE_OPTION) && i + 1 < arguments.length) {
                path = arguments[i + 1];
            }
        }
        return path;
    }

    private static void addOptions(CommandLine line) {
        CommandSpec command = line.getCommandSpec();
        if (Setting.speaksToKafka(command)) {
            command.addOption(OptionSpec.builder(FILE_OPTION)
                    .paramLabel("FILE")
                    .type(Path.class)
                    .description(
                            "Settings in YAML, by the names of options: 'kafka: broker:9092'. MILLRACE_CONFIG. Each"
                                    + " option may also be a variable: --kafka is MILLRACE_KAFKA. First counts the command"
                                    + " line, then the environment, then the file.")
                    .build());
            command.addOption(OptionSpec.builder(PRINT_OPTION)
                    .type(boolean.class)
                    .description("Show each setting, where it comes from, and end; secrets are hidden.")
                    .build());
        }
        line.getSubcommands().values().forEach(Configuration::addOptions);
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        return Setting.of(argument)
                .flatMap(this::configured)
                .map(Configured::value)
                .orElse(null);
    }

    Optional<Configured> configured(Setting setting) {
        String value = environment.getOrDefault(setting.variable(), "");
        return value.isEmpty()
                ? Optional.ofNullable(file.values().get(setting))
                : Optional.of(new Configured(value, setting.variable()));
    }

    private int execute(ParseResult parsed) {
        Integer helped = CommandLine.executeHelpRequest(parsed);
        if (helped != null) {
            return helped;
        }
        CommandLine command = parsed.asCommandLineList().getLast();
        if (problem.isPresent()) {
            throw new ParameterException(command, problem.get());
        }
        if (command.getParseResult().hasMatchedOption(PRINT_OPTION)) {
            return print(command);
        }
        try {
            return new RunLast().execute(parsed);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IllegalArgumentException refused
                    && placed(String.valueOf(refused.getMessage()), command).isPresent()) {
                throw new ParameterException(command, String.valueOf(refused.getMessage()), refused);
            }
            throw e;
        }
    }

    private int print(CommandLine command) {
        new EffectiveSettings(this).print(command);
        return CommandLine.ExitCode.OK;
    }

    /** Whoever looks for an option that is missing is shown those that are there. */
    private boolean isAskedWhatIsMissing(ParameterException error) {
        return problem.isEmpty()
                && error instanceof MissingParameterException
                && error.getCommandLine().getUnmatchedArguments().isEmpty()
                && error.getCommandLine().getParseResult().hasMatchedOption(PRINT_OPTION);
    }

    /**
     * An option with a typo, or a file that cannot be read, is the cause of one that is missing; a bad value says where it
     * stands.
     */
    private ParameterException explained(ParameterException error) {
        if (error instanceof MissingParameterException) {
            List<String> unknown = error.getCommandLine().getUnmatchedArguments();
            if (!unknown.isEmpty()) {
                return new UnmatchedArgumentException(error.getCommandLine(), unknown);
            }
        }
        if (problem.isPresent() && !(error instanceof UnmatchedArgumentException)) {
            return new ParameterException(error.getCommandLine(), problem.get(), error);
        }
        String message = String.valueOf(error.getMessage());
        Optional<Configured> found = error.getCause() instanceof IllegalArgumentException
                ? placed(message, error.getCommandLine())
                : Optional.ofNullable(error.getArgSpec())
                        .flatMap(Setting::of)
                        .flatMap(this::configured)
                        .filter(configured -> configured.isQuotedIn(message));
        return found.map(configured -> new ParameterException(
                        error.getCommandLine(), message + "; it comes from " + configured.place(), error))
                .orElse(error);
    }

    /** The value that a command's own check speaks of, by its option or by itself, if it was not on the command line. */
    private Optional<Configured> placed(String message, CommandLine command) {
        return command.getCommandSpec().options().stream()
                .flatMap(option -> Setting.of(option).stream())
                .filter(setting -> !command.getParseResult().hasMatchedOption(setting.option()))
                .flatMap(setting -> configured(setting)
                        .filter(value -> message.startsWith(setting.option() + " ") || value.isQuotedIn(message))
                        .stream())
                .findFirst();
    }
}
