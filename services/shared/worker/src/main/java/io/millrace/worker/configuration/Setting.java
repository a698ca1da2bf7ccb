package io.millrace.worker.configuration;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * An option that may also be given as a variable or as a key of the file: {@code --topic-prefix},
 * {@code MILLRACE_TOPIC_PREFIX}, {@code topic-prefix:}. Means the same to every command that has it.
 */
public enum Setting {
    HOME,
    KAFKA,
    KAFKA_CONFIG,
    TOPIC_PREFIX,
    STORE,
    DEVICES,
    SLOTS,
    WORK_FOLDER,
    STATE,
    THREADS,
    REPLICATION,
    MANAGEMENT_PORT,
    LOG_JSON;

    static final String VARIABLE_START = "MILLRACE_";

    public String key() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public String option() {
        return "--" + key();
    }

    public String variable() {
        return VARIABLE_START + name();
    }

    static Optional<Setting> of(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key().equals(key))
                .findFirst();
    }

    /** The setting that an option is; none in a command without Kafka, whose {@code --threads} are something else. */
    public static Optional<Setting> of(ArgSpec argument) {
        return argument instanceof OptionSpec option && speaksToKafka(option.command())
                ? of(option.longestName().substring(2))
                : Optional.empty();
    }

    static boolean speaksToKafka(CommandSpec command) {
        return command.findOption(KAFKA.option()) != null;
    }
}
