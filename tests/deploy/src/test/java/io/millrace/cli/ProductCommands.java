package io.millrace.cli;

import java.util.Map;
import picocli.CommandLine;

/** The command tree of the product without any variables, for tests outside of its package. */
public final class ProductCommands {
    private ProductCommands() {}

    public static CommandLine tree() {
        return Main.commandLine(Map.of());
    }
}
