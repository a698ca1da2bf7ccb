package io.millrace.cli;

import java.io.Console;

/** Whether a person watches. */
final class Terminal {
    private Terminal() {}

    // Java 25 answers null again where input or output is no terminal.
    @SuppressWarnings("SystemConsoleNull")
    static boolean present() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
