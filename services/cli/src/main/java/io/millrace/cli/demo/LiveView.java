package io.millrace.cli.demo;

import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;

/** Draws the board again and again on a terminal; elsewhere prints a line for each change. */
final class LiveView {
    private static final String CLEAR_TO_END = "\u001b[J";

    /** A line that is too long for the terminal is cut there: a wrapped one would count as two when it is erased. */
    private static final String CUT_LINES = "\u001b[?7l";

    private static final String WRAP_LINES = "\u001b[?7h";

    private final PrintWriter out;
    private final boolean terminal;
    private int drawn;

    LiveView(PrintWriter out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    /** A line that stays. */
    void say(String line) {
        erase();
        out.println(line);
        out.flush();
    }

    /** A change of a run; on a terminal the board shows it. */
    void change(Optional<String> line, long seconds) {
        if (!terminal) {
            line.ifPresent(text -> say("[" + seconds + " s] " + text));
        }
    }

    void draw(List<String> lines) {
        if (!terminal) {
            return;
        }
        erase();
        out.print(CUT_LINES);
        lines.forEach(out::println);
        out.print(WRAP_LINES);
        drawn = lines.size();
        out.flush();
    }

    private void erase() {
        if (drawn > 0) {
            out.print("\u001b[" + drawn + "A" + CLEAR_TO_END);
            drawn = 0;
        }
    }
}
