package io.millrace.events;

import java.util.regex.Pattern;

/** A device class, part of a job's queue: {@code cpu}, {@code h100}, {@code jetson}. */
public record Device(String name) implements Comparable<Device> {
    /** Stands before the constants that are built with it. */
    private static final Pattern FORM = Pattern.compile("[a-z0-9-]{1,32}");

    public static final Device CPU = new Device("cpu");

    public Device {
        if (!isName(name)) {
            throw new IllegalArgumentException(
                    "'" + name + "' is not a device class; use 1 to 32 lower-case letters, digits or '-'");
        }
    }

    public static boolean isName(String text) {
        return FORM.matcher(text).matches();
    }

    @Override
    public int compareTo(Device other) {
        return name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return name;
    }
}
