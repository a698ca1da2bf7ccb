package io.millrace.worker.configuration;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Collection;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** The settings that a command would work with, one a line: key, value, where it comes from. Secrets are hidden. */
record EffectiveSettings(Configuration configuration) {
    private static final Pattern IN_ADDRESS = Pattern.compile("://[^/@\\s]*@");
    private static final String HIDDEN = "********";

    void print(CommandLine command) {
        PrintWriter out = command.getOut();
        for (OptionSpec option : command.getCommandSpec().options()) {
            Setting.of(option).ifPresent(setting -> line(out, setting.key(), text(option), source(command, setting)));
        }
        OptionSpec kafkaConfig = command.getCommandSpec().findOption(Setting.KAFKA_CONFIG.option());
        if (kafkaConfig != null && kafkaConfig.getValue() instanceof Path path) {
            printClient(command, path);
        }
        out.flush();
    }

    private void printClient(CommandLine command, Path path) {
        try {
            for (KafkaFile.Property property : KafkaFile.read(path).properties()) {
                line(command.getOut(), property.name(), property.shown(HIDDEN), property.place());
            }
        } catch (IOException e) {
            throw new ParameterException(command, String.valueOf(e.getMessage()), e);
        }
    }

    private static void line(PrintWriter out, String name, String value, String source) {
        out.printf("%-28s %-40s %s%n", name, value, source);
    }

    private String source(CommandLine command, Setting setting) {
        return command.getParseResult().hasMatchedOption(setting.option())
                ? "command line"
                : configuration.configured(setting).map(Configured::place).orElse("default");
    }

    private static String text(OptionSpec option) {
        return IN_ADDRESS.matcher(written(option.getValue())).replaceAll("://" + HIDDEN + "@");
    }

    private static String written(@Nullable Object value) {
        return switch (value) {
            case Collection<?> many -> many.stream().map(String::valueOf).collect(Collectors.joining(","));
            case Object one -> one.toString();
            case null -> "-";
        };
    }
}
