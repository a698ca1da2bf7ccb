package io.millrace.events;

import java.util.List;
import java.util.Locale;

/** One condition of a gate, such as {@code perplexity-increase <= 0.05}. */
public record Limit(Metric metric, Comparison comparison, double bound) {
    /** One-sided 95 % point of the normal distribution: a limit is kept only with this much certainty. */
    private static final double STANDARD_ERRORS = 1.645;

    /** Which side of the bound is allowed. */
    public enum Comparison {
        AT_MOST("<="),
        AT_LEAST(">=");

        private final String symbol;

        Comparison(String symbol) {
            this.symbol = symbol;
        }

        public String symbol() {
            return symbol;
        }
    }

    public Limit {
        if (!Double.isFinite(bound)) {
            throw new IllegalArgumentException("the limit of '" + metric.wireName() + "' is " + bound);
        }
    }

    /** Judges by the measurement of this metric; one that was not measured breaks the limit. */
    public Verdict judge(List<Measurement> evidence) {
        for (Measurement measurement : evidence) {
            if (measurement.metric().equals(metric.wireName())) {
                return judge(measurement);
            }
        }
        return new Verdict(this, false, metric.wireName() + " was not measured");
    }

    private Verdict judge(Measurement measurement) {
        if (measurement.value().isEmpty()) {
            return new Verdict(this, false, metric.wireName() + " was not measured: " + measurement.note());
        }
        double value = measurement.value().getAsDouble();
        double margin = STANDARD_ERRORS * measurement.standardError().orElse(0);
        boolean kept = switch (comparison) {
            case AT_MOST -> value + margin <= bound;
            case AT_LEAST -> value - margin >= bound;
        };
        String certainty = measurement.standardError().isEmpty()
                ? ""
                : String.format(Locale.ROOT, " ± %.4g (1.645 standard errors)", margin);
        return new Verdict(
                this,
                kept,
                String.format(
                        Locale.ROOT,
                        "%s %s%s %s %s",
                        metric.wireName(),
                        text(value),
                        certainty,
                        kept ? "keeps" : "breaks",
                        boundText(value)));
    }

    /**
     * A value of this metric as people read it beside the bound: a size in units of 1024, or in bytes where those would hide
     * the difference.
     */
    public String text(double value) {
        return metric == Metric.SIZE ? size(value, bound) : String.format(Locale.ROOT, "%.4g", value);
    }

    /** The limit beside such a value: {@code <= 0.05}, {@code <= 95.4 MiB}. */
    public String boundText(double value) {
        return comparison.symbol() + " " + (metric == Metric.SIZE ? size(bound, value) : Double.toString(bound));
    }

    private static String size(double bytes, double other) {
        String text = ByteText.of((long) bytes);
        return bytes != other && text.equals(ByteText.of((long) other)) ? (long) bytes + " B" : text;
    }

    @Override
    public String toString() {
        return metric.wireName() + " " + comparison.symbol() + " " + bound;
    }
}
