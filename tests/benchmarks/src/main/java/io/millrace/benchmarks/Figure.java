package io.millrace.benchmarks;

import java.util.Arrays;
import java.util.Locale;

/** Prints what was measured beside what is wanted. */
final class Figure {
    private Figure() {}

    /** @return whether the limit is kept */
    static boolean atMost(String name, double value, double limit, String unit) {
        return print(name, value, "<=", limit, unit, value <= limit);
    }

    /** @return whether the limit is kept */
    static boolean atLeast(String name, double value, double limit, String unit) {
        return print(name, value, ">=", limit, unit, value >= limit);
    }

    static void beside(String name, double value, String unit) {
        System.out.printf(Locale.ROOT, "%-44s %10.2f %s%n", name, value, unit);
    }

    private static boolean print(String name, double value, String sign, double limit, String unit, boolean kept) {
        System.out.printf(
                Locale.ROOT,
                "%-44s %10.2f %-7s limit %s %s  %s%n",
                name,
                value,
                unit,
                sign,
                limit,
                kept ? "kept" : "MISSED");
        return kept;
    }

    /** The smallest value that this share of all values does not exceed. */
    static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }

    static double median(double[] values) {
        return quantile(values, 0.5);
    }
}
