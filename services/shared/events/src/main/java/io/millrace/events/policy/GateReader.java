package io.millrace.events.policy;

import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.policy.Yaml.Entry;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a gate: metric → limit. A limit is {@code "<= 5%"}, {@code ">= 0.9"}, or a number alone, which bounds the metric
 * on its bad side.
 */
final class GateReader {
    private static final Pattern LIMIT = Pattern.compile("(<=|>=|)\\s*([-+0-9.eE]+)\\s*(%?)");

    private GateReader() {}

    /** @param remarks takes what can hardly be meant, one line each */
    static Gate read(Fields fields, List<String> remarks) throws PolicyException {
        List<Limit> limits = new ArrayList<>();
        for (Entry entry : fields.mapping().entries().values()) {
            limits.add(limit(fields, entry, remarks));
        }
        if (limits.isEmpty()) {
            throw fields.error(fields.mapping().line(), "a gate has at least one limit");
        }
        return new Gate(limits);
    }

    private static Limit limit(Fields fields, Entry entry, List<String> remarks) throws PolicyException {
        Metric metric = Metric.named(entry.key())
                .orElseThrow(() -> fields.unknown(
                        entry.line(),
                        "metric",
                        entry.key(),
                        Arrays.stream(Metric.values()).map(Metric::wireName).toList()));
        Yaml.Scalar scalar = fields.scalar(entry);
        Matcher matcher = LIMIT.matcher(scalar.text().strip());
        if (!matcher.matches()) {
            throw fields.error(
                    scalar.line(),
                    "limit of '" + entry.key() + "' is '" + scalar.text() + "'; write \"<= NUMBER\" or \">= NUMBER\""
                            + form(metric));
        }
        boolean percent = !matcher.group(3).isEmpty();
        if (percent && !metric.unit().equals("ratio")) {
            throw fields.error(scalar.line(), "'" + entry.key() + "' is no ratio, so its limit has no %");
        }
        double bound = bound(fields, scalar, matcher.group(2), percent);
        Limit.Comparison comparison = comparison(metric, matcher.group(1));
        if (metric == Metric.SAME_TOP_TOKEN && comparison == Limit.Comparison.AT_LEAST && bound > 1) {
            throw fields.error(
                    scalar.line(),
                    "'" + entry.key() + "' is a share and never above 1; did you mean '" + bound + "%'?");
        }
        Limit limit = new Limit(metric, comparison, bound);
        doubt(limit, percent)
                .ifPresent(doubt -> remarks.add(
                        fields.error(scalar.line(), "'" + limit + "' " + doubt).getMessage()));
        return limit;
    }

    private static String form(Metric metric) {
        return switch (metric.unit()) {
            case "ratio" -> ", with % if you like";
            case "" -> "";
            case String unit -> ", a plain number in the unit " + unit;
        };
    }

    /** Slips that let worse candidates pass. A limit may be meant so, and a policy that has it may be in force. */
    private static Optional<String> doubt(Limit limit, boolean percent) {
        Metric metric = limit.metric();
        boolean atLeast = limit.comparison() == Limit.Comparison.AT_LEAST;
        if (atLeast != metric.moreIsBetter()) {
            return Optional.of("lets the worse candidates pass, since " + (atLeast ? "less" : "more")
                    + " is better here; did you mean '" + (atLeast ? "<=" : ">=") + "'?");
        }
        // Twice the size of the original is meant as little as twice its perplexity; the same size may be.
        double doubtful = metric == Metric.SIZE_RATIO ? 2 : 1;
        boolean growth = metric == Metric.SIZE_RATIO || metric == Metric.PERPLEXITY_INCREASE;
        return growth && !percent && limit.bound() >= doubtful
                ? Optional.of("allows " + limit.bound() * 100 + " %; did you mean '" + limit.bound() + "%'?")
                : Optional.empty();
    }

    private static Limit.Comparison comparison(Metric metric, String symbol) {
        return switch (symbol) {
            case "<=" -> Limit.Comparison.AT_MOST;
            case ">=" -> Limit.Comparison.AT_LEAST;
            default -> metric.moreIsBetter() ? Limit.Comparison.AT_LEAST : Limit.Comparison.AT_MOST;
        };
    }

    private static double bound(Fields fields, Yaml.Scalar scalar, String number, boolean percent)
            throws PolicyException {
        try {
            double bound = new BigDecimal(number).movePointLeft(percent ? 2 : 0).doubleValue();
            if (Double.isFinite(bound)) {
                return bound;
            }
        } catch (NumberFormatException | ArithmeticException e) {
            // Said below, as for a number beyond all bounds.
        }
        throw fields.error(scalar.line(), "'" + number + "' is not a number");
    }
}
