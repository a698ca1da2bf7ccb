package io.millrace.cli;

/** The value of {@code --backfill}. */
final class Backfill {
    private Backfill() {}

    static int parse(String value) {
        if (value.equals("all")) {
            return Integer.MAX_VALUE;
        }
        if (value.matches("[1-9][0-9]{0,8}")) {
            return Integer.parseInt(value);
        }
        throw new CommandFailure(ExitCode.USAGE, "--backfill is '" + value + "'; give a number from 1, or 'all'");
    }
}
