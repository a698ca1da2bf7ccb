package io.millrace.cli;

import io.millrace.cli.compress.Compressor;
import io.millrace.cli.compress.Compressor.Outcome;
import io.millrace.events.Metric;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The table at the end of {@code millrace compress}. */
final class CompressTable {
    private CompressTable() {}

    static String of(Compressed all, boolean evaluated) {
        if (all.made().isEmpty()) {
            return "nothing was made";
        }
        List<String> header =
                new ArrayList<>(List.of("target", "before", "after", "bits/weight", "relative error", "seconds"));
        if (evaluated) {
            header.addAll(List.of("perplexity", "of the original", "KL", "same top token"));
        }
        header.add("file");
        List<List<String>> rows = all.made().stream()
                .map(made -> row(made, all.modelBytes(), evaluated))
                .toList();
        String notes = all.made().stream()
                .filter(made -> made.notMeasured().isPresent())
                .map(made -> made.target() + " was not measured: "
                        + made.notMeasured().orElseThrow() + System.lineSeparator())
                .collect(Collectors.joining());
        return new Table(header, rows) + notes;
    }

    private static List<String> row(Outcome.Made made, long modelBytes, boolean evaluated) {
        List<String> row = new ArrayList<>(List.of(
                made.target(),
                Text.bytes(modelBytes),
                Text.bytes(made.bytes()),
                String.format(Locale.ROOT, "%.3f", made.bitsPerWeight()),
                String.format(Locale.ROOT, "%.5f", made.relativeError()),
                String.format(Locale.ROOT, "%.1f", made.seconds())));
        if (evaluated) {
            row.add(value(made, Metric.PERPLEXITY.wireName()));
            row.add(value(made, Compressor.ORIGINAL_PERPLEXITY));
            row.add(value(made, Metric.KL_DIVERGENCE.wireName()));
            Double same = made.quality().get(Metric.SAME_TOP_TOKEN.wireName());
            row.add(same == null ? "–" : String.format(Locale.ROOT, "%.2f %%", same * 100));
        }
        row.add(made.file().toString());
        return row;
    }

    private static String value(Outcome.Made made, String metric) {
        Double value = made.quality().get(metric);
        return value == null ? "–" : Text.number(value);
    }
}
