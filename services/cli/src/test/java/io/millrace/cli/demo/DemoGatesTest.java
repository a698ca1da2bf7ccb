package io.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Decision;
import io.millrace.events.Limit;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.policy.PolicyFile;
import io.millrace.events.policy.TargetDraft;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The demo's gates beside what its rungs measure over some seeds. */
class DemoGatesTest {
    private static final String SEEDS = "millrace.demo.seeds";
    private static final List<Metric> METRICS =
            List.of(Metric.PERPLEXITY_INCREASE, Metric.KL_DIVERGENCE, Metric.SAME_TOP_TOKEN, Metric.SIZE_RATIO);
    /** Like the gate: a figure counts with this many of its standard errors against it. */
    private static final double STANDARD_ERRORS = 1.645;

    /** How far the impossible target is out of reach. */
    private static final double IMPOSSIBLE_BY = 100;

    @TempDir
    Path folder;

    private record Row(String target, int rung, String recipe, Metric metric) {}

    private static final class Range {
        private final boolean moreIsBetter;
        private double lowest = Double.POSITIVE_INFINITY;
        private double highest = Double.NEGATIVE_INFINITY;
        private double worst;

        Range(boolean moreIsBetter) {
            this.moreIsBetter = moreIsBetter;
            worst = moreIsBetter ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
        }

        void add(Measurement measurement) {
            double value = measurement.value().orElseThrow();
            double margin = STANDARD_ERRORS * measurement.standardError().orElse(0);
            lowest = Math.min(lowest, value);
            highest = Math.max(highest, value);
            worst = moreIsBetter ? Math.min(worst, value - margin) : Math.max(worst, value + margin);
        }
    }

    @Test
    void theLadderOfThePhoneEndsWithoutPruningAndTheImpossibleTargetIsTheOnlyDishonestOne() throws Exception {
        List<TargetDraft> targets = PolicyFile.parse(DemoPolicy.yaml()).targets();

        assertThat(targets.stream().map(TargetDraft::name).toList())
                .containsExactly("phone", "laptop", "gpu-server", DemoPolicy.IMPOSSIBLE)
                .startsWith(DemoPolicy.HONEST.toArray(String[]::new));
        assertThat(targets.getFirst().ladder().getLast().summary()).isEqualTo("gguf Q4_K_M");
    }

    /** Some four minutes a seed: the command that prints the table in {@link DemoPolicy}. */
    @Test
    @EnabledIfSystemProperty(
            named = SEEDS,
            matches = "\\d+(,\\d+)*",
            disabledReason = "minutes of training; set -D" + SEEDS + "=1,2,3,4,5 to measure the demo's gates again")
    void everyRungOfAnHonestTargetPassesWithEachSeedAndNoneOfTheImpossibleOneIsNear() throws Exception {
        List<DemoRungs.Measured> all = new ArrayList<>();
        for (String seed : System.getProperty(SEEDS).split(",")) {
            List<DemoRungs.Measured> one =
                    new DemoRungs(folder.resolve("seed-" + seed), Long.parseLong(seed)).measure();
            one.forEach(DemoGatesTest::print);
            all.addAll(one);
        }
        printRanges(all);

        for (DemoRungs.Measured each : all) {
            if (each.target().name().equals(DemoPolicy.IMPOSSIBLE)) {
                Limit limit = each.target().gate().limits().getFirst();
                assertThat(find(each, limit.metric()).value().orElseThrow())
                        .as(each.toString())
                        .isGreaterThan(IMPOSSIBLE_BY * limit.bound());
            } else {
                assertThat(each.target().gate().decideQuality(each.evidence())).isInstanceOf(Decision.Accepted.class);
            }
        }
    }

    private static void print(DemoRungs.Measured each) {
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "seed %d step %d %s rung %d (%s): perplexity %.3f",
                each.seed(),
                each.trainingStep(),
                each.target().name(),
                each.rung(),
                each.recipe(),
                find(each, Metric.PERPLEXITY).baseline().orElseThrow()));
        for (Metric metric : METRICS) {
            Measurement found = find(each, metric);
            line.append(String.format(
                    Locale.ROOT,
                    ", %s %.6f ± %.6f",
                    metric.wireName(),
                    found.value().orElseThrow(),
                    found.standardError().orElse(0)));
        }
        System.out.println(line);
    }

    private static void printRanges(List<DemoRungs.Measured> all) {
        Map<Row, Range> ranges = new LinkedHashMap<>();
        for (DemoRungs.Measured each : all) {
            for (Metric metric : METRICS) {
                ranges.computeIfAbsent(
                                new Row(each.target().name(), each.rung(), each.recipe(), metric),
                                row -> new Range(row.metric.moreIsBetter()))
                        .add(find(each, metric));
            }
        }
        ranges.forEach((row, range) -> System.out.printf(
                Locale.ROOT,
                "%-11s %d %-40s %-20s %9.5f .. %9.5f, with its errors %9.5f%n",
                row.target,
                row.rung,
                row.recipe,
                row.metric.wireName(),
                range.lowest,
                range.highest,
                range.worst));
    }

    private static Measurement find(DemoRungs.Measured each, Metric metric) {
        return each.evidence().stream()
                .filter(measurement -> measurement.metric().equals(metric.wireName()))
                .findFirst()
                .orElseThrow();
    }
}
