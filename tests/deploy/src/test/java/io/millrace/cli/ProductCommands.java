package io.millrace.cli;

import picocli.CommandLine;

/** The command tree of the product, for tests outside of its package. */
public final class ProductCommands {
    private ProductCommands() {}

    public static CommandLine tree() {
        return Main.commandLine();
    }
}
