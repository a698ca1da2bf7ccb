package io.millrace.benchmarker;

import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.models.speed.SpeedReport;
import io.millrace.models.speed.Spread;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/** The measurements that a speed report is evidence of. */
final class SpeedEvidence {
    private static final List<Metric> METRICS =
            List.of(Metric.PROMPT_RATE, Metric.GENERATION_RATE, Metric.GENERATION_SPEEDUP);

    private SpeedEvidence() {}

    static List<Measurement> missing(String why, Device device) {
        return METRICS.stream()
                .map(metric -> Measurement.missing(metric, device, why))
                .toList();
    }

    static List<Measurement> of(SpeedReport report, Device device) {
        Spread prompt = report.candidatePrompt();
        Spread generation = report.candidateGeneration();
        Spread baseline = report.originalGeneration();
        return List.of(
                rate(Metric.PROMPT_RATE, prompt, report.originalPrompt(), report, device),
                rate(Metric.GENERATION_RATE, generation, baseline, report, device),
                measurement(
                        Metric.GENERATION_SPEEDUP,
                        generation.median() / baseline.median(),
                        OptionalDouble.of(1),
                        "median of the candidate / median of the original",
                        report,
                        device));
    }

    private static Measurement rate(
            Metric metric, Spread candidate, Spread original, SpeedReport report, Device device) {
        String range = String.format(
                Locale.ROOT,
                "median; range %.4g to %.4g, the original's %.4g to %.4g; %d thread(s)",
                candidate.lowest(),
                candidate.highest(),
                original.lowest(),
                original.highest(),
                report.plan().threads());
        return measurement(metric, candidate.median(), OptionalDouble.of(original.median()), range, report, device);
    }

    private static Measurement measurement(
            Metric metric, double value, OptionalDouble baseline, String note, SpeedReport report, Device device) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                baseline,
                metric.unit(),
                report.runtime(),
                device,
                report.plan().pairs(),
                Optional.empty(),
                note);
    }
}
