package io.millrace.models.speed;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Runs of original and candidate, pair by pair.
 *
 * @param runtime what executed them, with its version
 */
public record SpeedReport(String runtime, SpeedPlan plan, List<Rates> original, List<Rates> candidate) {
    public SpeedReport {
        original = List.copyOf(original);
        candidate = List.copyOf(candidate);
        if (original.isEmpty() || original.size() != candidate.size()) {
            throw new IllegalArgumentException(original.size() + " runs of the original and " + candidate.size()
                    + " of the candidate; expected as many of each, and at least one");
        }
    }

    public Spread originalPrompt() {
        return spread(original, Rates::promptPerSecond);
    }

    public Spread originalGeneration() {
        return spread(original, Rates::generationPerSecond);
    }

    public Spread candidatePrompt() {
        return spread(candidate, Rates::promptPerSecond);
    }

    public Spread candidateGeneration() {
        return spread(candidate, Rates::generationPerSecond);
    }

    private static Spread spread(List<Rates> runs, ToDoubleFunction<Rates> of) {
        return Spread.of(runs.stream().mapToDouble(of).toArray());
    }
}
