package io.millrace.cli;

import io.millrace.events.ByteText;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.stream.Collectors;

/** Numbers as people read them. */
public final class Text {
    private Text() {}

    /** {@code 1.5 MiB}. */
    public static String bytes(long count) {
        return ByteText.of(count);
    }

    /** {@code 1 target}, {@code 2 targets}. */
    static String count(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    /** {@code 42 %}. */
    public static String percent(double share) {
        return Math.round(share * 100) + " %";
    }

    /** Time since an event, in its largest unit: {@code 3 min}. */
    public static String age(Instant then, Instant now) {
        return duration(Duration.between(then, now));
    }

    /** {@code 42 s}, {@code 3 min}, {@code 5 h}, {@code 2 d}. */
    public static String duration(Duration duration) {
        long seconds = Math.max(0, duration.toSeconds());
        if (seconds < 120) {
            return seconds + " s";
        }
        if (seconds < 7200) {
            return seconds / 60 + " min";
        }
        return seconds < 172_800 ? seconds / 3600 + " h" : seconds / 86_400 + " d";
    }

    /** A file or an event may say anything: nothing of it may move the cursor or end the line. */
    static String printable(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            switch (point) {
                case '\n' -> safe.append("\\n");
                case '\t' -> safe.append("\\t");
                case '\r' -> safe.append("\\r");
                default -> {
                    boolean shown = !Character.isISOControl(point) && Character.getType(point) != Character.FORMAT;
                    safe.append(shown ? Character.toString(point) : String.format("\\u%04x", point));
                }
            }
        });
        return safe.toString();
    }

    /** The same of a text whose lines are ours. */
    static String printableLines(String text) {
        return text.lines().map(Text::printable).collect(Collectors.joining(System.lineSeparator()));
    }

    /** Four significant digits. */
    public static String number(double value) {
        double size = Math.abs(value);
        if (size >= 1e6 || (size != 0 && size < 1e-3)) {
            return String.format(Locale.ROOT, "%.3e", value);
        }
        int digits = size == 0 ? 0 : Math.max(0, 3 - (int) Math.floor(Math.log10(size)));
        return String.format(Locale.ROOT, "%." + Math.min(digits, 6) + "f", value);
    }
}
