package io.millrace.cli.demo;

import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The runs of the demo as they stand, and how they are drawn. Knows no clock and no terminal. */
final class RunBoard {
    private static final int BAR_CELLS = 20;

    private final Map<RunId, RunChanged> runs = new LinkedHashMap<>();

    /** Takes a run's new state; the line to say about it where lines are all there is, if it is worth one. */
    Optional<String> accept(RunChanged run) {
        RunChanged before = runs.put(run.run(), run);
        if (before != null && signature(before).equals(signature(run))) {
            return Optional.empty();
        }
        return Optional.of(String.format(Locale.ROOT, "%-9s %-11s %s", run.version(), run.target(), describe(run)));
    }

    List<RunChanged> runs() {
        return runs.values().stream()
                .sorted(Comparator.comparing(RunChanged::requestedAt).thenComparing(RunChanged::target))
                .toList();
    }

    long ended() {
        return runs.values().stream().filter(run -> run.status().ended()).count();
    }

    long published() {
        return runs.values().stream()
                .filter(run -> run.status() == RunStatus.PUBLISHED)
                .count();
    }

    /** One line per run with a bar that is full when the rung is done. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        for (RunChanged run : runs()) {
            lines.add(String.format(
                    Locale.ROOT, "%-9s %-11s %s %s", run.version(), run.target(), bar(progress(run)), describe(run)));
        }
        return lines;
    }

    private static double progress(RunChanged run) {
        if (run.status().ended()) {
            return 1;
        }
        double inStep = run.total() > 0 ? Math.min(1, (double) run.done() / run.total()) : 0;
        return run.steps() == 0 ? 0 : Math.min(1, (run.step() + inStep) / run.steps());
    }

    private static String bar(double share) {
        int full = (int) Math.round(share * BAR_CELLS);
        return "█".repeat(full) + "░".repeat(BAR_CELLS - full);
    }

    private static String describe(RunChanged run) {
        String rung = "rung " + (run.rung() + 1) + " of " + run.rungs();
        return switch (run.status()) {
            case PUBLISHED -> "published (" + rung + ")";
            case REJECTED -> "rejected after " + run.rungs() + " rungs";
            case FAILED, BACKING_OFF ->
                run.status().wireName() + ": "
                        + run.failure()
                                .map(failure -> failure.reason().code() + ": " + failure.message())
                                .orElse("");
            case SUPERSEDED, CANCELLED -> run.status().wireName();
            case REQUESTED -> "requested";
            case WORKING ->
                rung + ", " + run.stage().map(stage -> stage.wireName()).orElse("decides")
                        + (run.started() ? " at work" + percent(run) : " waits for a worker");
        };
    }

    private static String percent(RunChanged run) {
        return run.total() > 0 ? String.format(Locale.ROOT, " %3d %%", 100 * run.done() / run.total()) : "";
    }

    /** What must change for a new line: progress within a step does not. */
    private static List<Object> signature(RunChanged run) {
        boolean counts = run.status() == RunStatus.WORKING;
        return List.of(run.status(), run.rung(), counts ? run.step() : 0, counts && run.started());
    }
}
