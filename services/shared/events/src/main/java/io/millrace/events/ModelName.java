package io.millrace.events;

import java.util.regex.Pattern;

/** The name of a model, the key of everything that the conductor owns. */
public record ModelName(String value) implements Comparable<ModelName> {
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    public ModelName {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "'" + value
                            + "' is not a model name; use 1 to 128 letters, digits, '.', '_' or '-', the first a letter or digit");
        }
    }

    @Override
    public int compareTo(ModelName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
