package io.millrace.cli.demo;

import io.millrace.cli.Table;
import io.millrace.cli.Text;
import io.millrace.events.Candidate;
import io.millrace.events.Decision;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What came out, checkpoint by target, with the evidence; and why speeds are missing where they are. */
final class ResultTable {
    private static final List<String> HEADER = List.of(
            "checkpoint",
            "target",
            "verdict",
            "size",
            "bits/w",
            "perplexity",
            "increase",
            "KL",
            "top token",
            "tokens/s",
            "reason");
    private static final String NOTHING = "–";

    private final Map<RunId, ModelPublished> models;
    private final Set<String> notes = new LinkedHashSet<>();

    ResultTable(List<ModelPublished> models) {
        this.models = models.stream().collect(Collectors.toMap(ModelPublished::run, model -> model, (_, last) -> last));
    }

    String of(List<RunChanged> runs) {
        List<List<String>> rows = new ArrayList<>();
        for (RunChanged run : runs) {
            ModelPublished model = models.get(run.run());
            for (Candidate candidate : run.tried()) {
                rows.add(row(run, candidate));
            }
            if (model != null) {
                rows.add(row(run, model.recipe(), model.decision(), Optional.of(model)));
            } else if (run.tried().isEmpty()) {
                rows.add(row(
                        run,
                        run.status().wireName(),
                        List.of(),
                        run.failure()
                                .map(failure -> failure.reason().code() + ": " + failure.message())
                                .orElse("")));
            }
        }
        String table = new Table(HEADER, rows).toString();
        return notes.isEmpty() ? table : table + String.join(System.lineSeparator(), notes) + System.lineSeparator();
    }

    private List<String> row(RunChanged run, Candidate candidate) {
        return switch (candidate.outcome()) {
            case Candidate.Judged judged -> row(run, candidate.recipe(), judged.decision(), Optional.empty());
            case Candidate.StepFailed failed ->
                row(
                        run,
                        "refused",
                        List.of(),
                        candidate.recipe() + ": " + failed.failure().reason().code() + ": "
                                + failed.failure().message());
        };
    }

    private List<String> row(RunChanged run, String recipe, Decision decision, Optional<ModelPublished> model) {
        return switch (decision) {
            case Decision.Accepted accepted ->
                row(run, model.isPresent() ? "accepted" : "passed", accepted.evidence(), recipe);
            case Decision.Refused refused -> row(run, "refused", refused.evidence(), recipe + ": " + refused.reasons());
        };
    }

    private List<String> row(RunChanged run, String verdict, List<Measurement> evidence, String reason) {
        return List.of(
                run.version(),
                run.target(),
                verdict,
                size(evidence),
                value(evidence, Metric.BITS_PER_WEIGHT),
                pair(evidence, Metric.PERPLEXITY),
                find(evidence, Metric.PERPLEXITY_INCREASE)
                        .map(ResultTable::increase)
                        .orElse(NOTHING),
                value(evidence, Metric.KL_DIVERGENCE),
                find(evidence, Metric.SAME_TOP_TOKEN)
                        .map(measurement -> percent(measurement.value().getAsDouble()))
                        .orElse(NOTHING),
                speed(evidence),
                reason);
    }

    private static String size(List<Measurement> evidence) {
        return find(evidence, Metric.SIZE)
                .map(size -> (size.baseline().isPresent()
                                ? Text.bytes((long) size.baseline().getAsDouble()) + " → "
                                : "")
                        + Text.bytes((long) size.value().getAsDouble()))
                .orElse(NOTHING);
    }

    private static String increase(Measurement increase) {
        double error = increase.standardError().orElse(0);
        return String.format(
                Locale.ROOT, "%+.2f %% ± %.2f", 100 * increase.value().getAsDouble(), 100 * error);
    }

    private String speed(List<Measurement> evidence) {
        Optional<Measurement> missing = evidence.stream()
                .filter(measurement -> measurement.metric().equals(Metric.GENERATION_RATE.wireName()))
                .filter(measurement -> measurement.value().isEmpty())
                .findFirst();
        missing.ifPresent(measurement -> notes.add("tokens/s –: " + measurement.note()));
        return pair(evidence, Metric.GENERATION_RATE);
    }

    private static String pair(List<Measurement> evidence, Metric metric) {
        return find(evidence, metric)
                .map(measurement -> (measurement.baseline().isPresent()
                                ? Text.number(measurement.baseline().getAsDouble()) + " → "
                                : "")
                        + Text.number(measurement.value().getAsDouble()))
                .orElse(NOTHING);
    }

    private static String value(List<Measurement> evidence, Metric metric) {
        return find(evidence, metric)
                .map(measurement -> Text.number(measurement.value().getAsDouble()))
                .orElse(NOTHING);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static Optional<Measurement> find(List<Measurement> evidence, Metric metric) {
        return evidence.stream()
                .filter(measurement -> measurement.metric().equals(metric.wireName()))
                .filter(Measurement::measured)
                .findFirst();
    }
}
