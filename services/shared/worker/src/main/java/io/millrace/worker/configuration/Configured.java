package io.millrace.worker.configuration;

import java.util.Arrays;
import java.util.stream.Stream;

/**
 * A value that was not given on the command line.
 *
 * @param place where it stands: a variable, or a file and its line
 */
record Configured(String value, String place) {
    /** Whether a message speaks of it, or of one of its values. */
    boolean isQuotedIn(String message) {
        return Stream.concat(Stream.of(value), Arrays.stream(value.split(",", -1)))
                .anyMatch(one -> message.contains("'" + one + "'"));
    }
}
