package io.millrace.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** How far something long is: one line that is drawn again and again on a terminal, now and then a line elsewhere. */
final class ProgressLine {
    private static final long REDRAW_NANOS = Duration.ofMillis(100).toNanos();
    private static final long SAY_NANOS = Duration.ofSeconds(10).toNanos();
    private static final int BAR = 30;
    private static final String ERASE = "\r\u001b[K";
    /** A line that is too long for the terminal is cut there: a wrapped one could not be erased. */
    private static final String CUT_LINES = "\u001b[?7l";

    private static final String WRAP_LINES = "\u001b[?7h";

    private final PrintWriter out;
    private final boolean terminal;
    private final LongSupplier nanoTime;
    private String what = "";
    private Pace pace = Pace.NONE;
    private long shownNanos;
    private boolean drawn;

    ProgressLine(PrintWriter out, boolean terminal, LongSupplier nanoTime) {
        this.out = out;
        this.terminal = terminal;
        this.nanoTime = nanoTime;
    }

    /** Begins something new. */
    void begin(String name) {
        what = name;
        pace = Pace.NONE;
        shownNanos = nanoTime.getAsLong();
    }

    /** Shows it, if the last time is long enough ago; {@code total} 0 where it is not known. */
    void show(long done, long total, String message) {
        show(done, total, () -> message);
    }

    private void show(long done, long total, Supplier<String> message) {
        long now = nanoTime.getAsLong();
        double share = total <= 0 ? 0 : Math.clamp((double) done / total, 0, 1);
        pace = pace.at(share, now);
        if (now - shownNanos < (terminal ? REDRAW_NANOS : SAY_NANOS)) {
            return;
        }
        shownNanos = now;
        String line = what + "  " + (terminal ? bar(share) + "  " : "") + Text.percent(share) + left(now) + "  "
                + message.get();
        if (terminal) {
            out.print(ERASE + CUT_LINES + line + WRAP_LINES);
            drawn = true;
        } else {
            out.println(line);
        }
        out.flush();
    }

    /** Shows how many bytes are done. */
    void showBytes(long done, long total) {
        show(done, total, () -> Text.bytes(done) + " of " + Text.bytes(total));
    }

    /** Takes the line away. */
    void clear() {
        if (drawn) {
            out.print(ERASE);
            out.flush();
            drawn = false;
        }
    }

    private String left(long now) {
        return pace.left(now).map(left -> ", " + Text.duration(left) + " left").orElse("");
    }

    private static String bar(double share) {
        int full = (int) Math.round(share * BAR);
        return "[" + "#".repeat(full) + "-".repeat(BAR - full) + "]";
    }
}
