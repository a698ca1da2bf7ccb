package io.millrace.worker.configuration;

import io.millrace.events.policy.Nearest;
import io.millrace.worker.observe.LogFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Finds variables that were probably meant for Millrace and that nothing reads. */
final class KnownVariables {
    /** Kubernetes gives every container the addresses of the services beside it, such as of one called millrace. */
    private static final Pattern OF_KUBERNETES =
            Pattern.compile(".*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)");

    private static final Pattern ADDRESS_OF_KUBERNETES = Pattern.compile("(tcp|udp|sctp)://.*");

    private static final List<String> KNOWN = Stream.concat(
                    Arrays.stream(Setting.values()).map(Setting::variable),
                    Arrays.stream(OtherVariable.values()).map(OtherVariable::variable))
            .toList();

    private KnownVariables() {}

    static Optional<String> problem(Map<String, String> environment) {
        return unread(environment).or(() -> unfitLog(environment));
    }

    /** The file of logback, which reads it, takes another value for an appender that is not there, and logs nothing. */
    private static Optional<String> unfitLog(Map<String, String> environment) {
        List<String> formats =
                Arrays.stream(LogFormat.values()).map(LogFormat::name).toList();
        String variable = OtherVariable.LOG_APPENDER.variable();
        String value = environment.getOrDefault(variable, "");
        return value.isEmpty() || formats.contains(value)
                ? Optional.empty()
                : Optional.of("the environment variable " + variable + " is '" + value + "' but must be "
                        + String.join(" or ", formats));
    }

    private static Optional<String> unread(Map<String, String> environment) {
        return new TreeMap<>(environment)
                .entrySet().stream()
                        .filter(variable -> variable.getKey().startsWith(Setting.VARIABLE_START))
                        .filter(variable -> !KNOWN.contains(variable.getKey()))
                        .filter(variable -> !ofKubernetes(variable.getKey(), variable.getValue()))
                        .map(variable -> "nothing reads the environment variable " + variable.getKey()
                                + Nearest.to(variable.getKey(), KNOWN)
                                        .map(near -> "; did you mean " + near + "?")
                                        .orElse("; unset it, deploy/CONFIGURATION.md lists those that are read"))
                        .findFirst();
    }

    private static boolean ofKubernetes(String name, String value) {
        return OF_KUBERNETES.matcher(name).matches()
                || (name.endsWith("_PORT")
                        && ADDRESS_OF_KUBERNETES.matcher(value).matches());
    }
}
