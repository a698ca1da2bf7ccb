package io.millrace.cli;

import picocli.CommandLine.Option;

/**
 * {@code --help} alone, for commands whose {@code --version} is a model's version: beside such an option picocli's
 * standard ones, of which {@code --help} is the other, are not there at all.
 */
final class HelpOption {
    @SuppressWarnings("UnusedVariable") // picocli acts on it
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help message and exit.")
    private boolean wanted;
}
