package io.millrace.worker.configuration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** The settings that a command would work with: key, value, where it comes from. Secrets are hidden. */
record EffectiveSettings(Configuration configuration) {
    private static final Pattern IN_ADDRESS = Pattern.compile("://[^/@\\s]*@");
    private static final String DEFAULT = "default";
    private static final String NONE = "-";
    private static final String HIDDEN = "********";
    private static final ObjectWriter JSON = new ObjectMapper().writerWithDefaultPrettyPrinter();

    /** One of them, as it is printed. */
    record Line(String setting, String value, String source) {}

    /** One a line; as JSON where the command prints its own results so. */
    void print(CommandLine command) {
        List<Line> lines = lines(command);
        PrintWriter out = command.getOut();
        if (printsJson(command)) {
            out.println(json(lines));
        } else {
            lines.forEach(line -> out.printf("%-28s %-40s %s%n", line.setting(), line.value(), line.source()));
        }
        out.flush();
    }

    private static boolean printsJson(CommandLine command) {
        OptionSpec output = command.getCommandSpec().findOption("--output");
        return output != null && written(output.getValue()).equals("json");
    }

    private static String json(List<Line> lines) {
        try {
            return JSON.writeValueAsString(lines);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("settings that are no JSON: " + lines, e);
        }
    }

    private List<Line> lines(CommandLine command) {
        List<Line> lines = new ArrayList<>();
        for (OptionSpec option : command.getCommandSpec().options()) {
            Setting.of(option).ifPresent(setting -> lines.add(line(setting, option, source(command, setting))));
        }
        OptionSpec kafkaConfig = command.getCommandSpec().findOption(Setting.KAFKA_CONFIG.option());
        if (kafkaConfig != null && kafkaConfig.getValue() instanceof Path path) {
            lines.addAll(ofClient(command, path));
        }
        return lines;
    }

    private static Line line(Setting setting, OptionSpec option, String source) {
        return option.required() && source.equals(DEFAULT)
                ? new Line(setting.key(), NONE, "missing; the command needs it")
                : new Line(setting.key(), text(option), source);
    }

    private static List<Line> ofClient(CommandLine command, Path path) {
        try {
            return KafkaFile.read(path).properties().stream()
                    .map(property -> new Line(property.name(), property.shown(HIDDEN), property.place()))
                    .toList();
        } catch (IOException e) {
            throw new ParameterException(command, String.valueOf(e.getMessage()), e);
        }
    }

    private String source(CommandLine command, Setting setting) {
        return command.getParseResult().hasMatchedOption(setting.option())
                ? "command line"
                : configuration.configured(setting).map(Configured::place).orElse(DEFAULT);
    }

    private static String text(OptionSpec option) {
        return IN_ADDRESS.matcher(written(option.getValue())).replaceAll("://" + HIDDEN + "@");
    }

    private static String written(@Nullable Object value) {
        return switch (value) {
            case Collection<?> many -> many.stream().map(String::valueOf).collect(Collectors.joining(","));
            case Object one -> one.toString();
            case null -> NONE;
        };
    }
}
