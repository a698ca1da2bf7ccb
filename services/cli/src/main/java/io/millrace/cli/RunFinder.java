package io.millrace.cli;

import io.millrace.events.RunChanged;
import java.util.List;
import java.util.stream.Collectors;

/** Finds the run that a person means by the first digits of its identifier. */
final class RunFinder {
    private RunFinder() {}

    static RunChanged find(List<RunChanged> runs, String prefix) {
        // A shell gives nothing for a variable that is not set, and nothing would fit the only run there is.
        if (prefix.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE, "found nothing, expected the first digits of a run; 'millrace runs' lists all");
        }
        List<RunChanged> found = runs.stream()
                .filter(run -> run.run().toString().startsWith(prefix))
                .toList();
        return switch (found.size()) {
            case 0 ->
                throw new CommandFailure(
                        ExitCode.NOT_FOUND, "no run '" + prefix + "'; 'millrace runs' lists all " + runs.size());
            case 1 -> found.getFirst();
            default ->
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "'" + prefix + "' could be any of "
                                + found.stream()
                                        .map(run -> run.run().digest().abbreviated())
                                        .collect(Collectors.joining(", "))
                                + "; give more digits");
        };
    }
}
