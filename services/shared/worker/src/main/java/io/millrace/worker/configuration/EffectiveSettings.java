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
import java.util.Objects;
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

    /**
     * One of them.
     *
     * @param value null if there is none
     */
    record Line(String setting, @Nullable String value, String source) {}

    /** One a line; as JSON where the command prints its own results so. */
    void print(CommandLine command) {
        List<Line> lines = lines(command);
        PrintWriter out = command.getOut();
        if (printsJson(command)) {
            out.println(json(lines));
        } else {
            lines.forEach(line -> out.printf(
                    "%-28s %-40s %s%n", line.setting(), Objects.requireNonNullElse(line.value(), NONE), line.source()));
        }
        out.flush();
    }

    private static boolean printsJson(CommandLine command) {
        OptionSpec output = command.getCommandSpec().findOption("--output");
        return output != null && "json".equals(written(output.getValue()));
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
                ? new Line(setting.key(), null, "missing; the command needs it")
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

    private static @Nullable String text(OptionSpec option) {
        String written = written(option.getValue());
        return written == null ? null : IN_ADDRESS.matcher(written).replaceAll("://" + HIDDEN + "@");
    }

    private static @Nullable String written(@Nullable Object value) {
        return switch (value) {
            case Collection<?> many -> many.stream().map(String::valueOf).collect(Collectors.joining(","));
            case Object one -> one.toString();
            case null -> null;
        };
    }
}
