package io.millrace.cli.compress;

import io.millrace.cli.compress.TensorErrors.Entry;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The relative error of each tensor as an SVG picture: a row per kind of tensor, a column per layer, the darker the more
 * was lost. Pointing at a cell shows its tensor, type and number. Kinds that lost nothing are left out.
 */
public final class ErrorPicture {
    private static final Pattern IN_LAYER = Pattern.compile("(?:(?:.*\\.)?layers|blk)\\.(\\d{1,6})\\.(.+)");
    private static final Pattern EXPERT = Pattern.compile("experts\\.\\d+\\.");
    private static final int LABEL = 230;
    private static final int TOP = 58;
    private static final int CELL_HEIGHT = 22;
    private static final int WIDEST_CELL = 56;
    private static final int NARROWEST_CELL = 9;
    private static final int PICTURE = 1100;
    private static final int NUMBERED_CELL = 44;
    /** Tensors of no layer: embedding, head. */
    private static final int WHOLE_MODEL = -1;

    private final Map<String, Map<Integer, Entry>> rows = new LinkedHashMap<>();
    private final StringBuilder svg = new StringBuilder();

    private ErrorPicture(TensorErrors errors) {
        for (Entry tensor : errors.tensors()) {
            Matcher layer = IN_LAYER.matcher(tensor.name());
            boolean inLayer = layer.matches();
            String kind = inLayer ? layer.group(2) : tensor.name();
            // Of many experts the one that lost most stands for its layer.
            rows.computeIfAbsent(EXPERT.matcher(kind).replaceAll("experts.*."), _ -> new TreeMap<>())
                    .merge(
                            inLayer ? Integer.parseInt(layer.group(1)) : WHOLE_MODEL,
                            tensor,
                            (a, b) -> a.relativeError() >= b.relativeError() ? a : b);
        }
        rows.values().removeIf(row -> row.values().stream().allMatch(tensor -> tensor.relativeError() == 0));
    }

    /** The picture of a target's errors. */
    public static String draw(String title, TensorErrors errors) {
        return new ErrorPicture(errors).drawn(title);
    }

    private String drawn(String title) {
        List<Integer> columns = rows.values().stream()
                .flatMap(row -> row.keySet().stream())
                .distinct()
                .sorted(Comparator.naturalOrder())
                .toList();
        double largest = rows.values().stream()
                .flatMap(row -> row.values().stream())
                .mapToDouble(Entry::relativeError)
                .max()
                .orElse(0);
        int cell = Math.clamp((PICTURE - LABEL) / Math.max(1, columns.size()), NARROWEST_CELL, WIDEST_CELL);
        int width = Math.max(560, LABEL + cell * columns.size() + 20);
        int height = TOP + CELL_HEIGHT * rows.size() + 30;
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\""
                        + " font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
                width,
                height));
        text(12, 20, "start", "#222222", "Relative error ‖w − w′‖ / ‖w‖ of each tensor: " + title);
        if (rows.isEmpty()) {
            text(12, 44, "start", "#222222", "No tensor lost anything.");
        }
        for (int column = 0; column < columns.size(); column++) {
            int layer = columns.get(column);
            boolean shown = cell >= 20 || layer % 5 == 0;
            if (shown) {
                text(
                        LABEL + cell * column + cell / 2,
                        TOP - 8,
                        "middle",
                        "#555555",
                        layer == WHOLE_MODEL ? "model" : Integer.toString(layer));
            }
        }
        int y = TOP;
        for (Map.Entry<String, Map<Integer, Entry>> row : rows.entrySet()) {
            text(LABEL - 8, y + 15, "end", "#222222", row.getKey());
            for (int column = 0; column < columns.size(); column++) {
                Entry tensor = row.getValue().get(columns.get(column));
                if (tensor != null) {
                    cell(LABEL + cell * column, y, cell, tensor, largest);
                }
            }
            y += CELL_HEIGHT;
        }
        text(
                12,
                height - 10,
                "start",
                "#555555",
                String.format(
                        Locale.ROOT, "columns: layers; darkest: %.4g; kinds that lost nothing are left out", largest));
        return svg.append("</svg>\n").toString();
    }

    private void cell(int x, int y, int width, Entry tensor, double largest) {
        double share = largest == 0 ? 0 : tensor.relativeError() / largest;
        svg.append(String.format(
                Locale.ROOT,
                "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>%s, %s: %.6g</title></rect>\n",
                x,
                y,
                width - 1,
                CELL_HEIGHT - 1,
                colour(share),
                escaped(tensor.name()),
                escaped(tensor.type()),
                tensor.relativeError()));
        if (width >= NUMBERED_CELL) {
            text(
                    x + width / 2,
                    y + 15,
                    "middle",
                    share > 0.55 ? "#ffffff" : "#222222",
                    String.format(Locale.ROOT, "%.4f", tensor.relativeError()));
        }
    }

    /** From near white to dark blue. */
    private static String colour(double share) {
        return String.format(
                Locale.ROOT,
                "#%02x%02x%02x",
                (int) Math.round(240 - 222 * share),
                (int) Math.round(244 - 190 * share),
                (int) Math.round(250 - 140 * share));
    }

    private void text(int x, int y, String anchor, String colour, String text) {
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
                x,
                y,
                anchor,
                colour,
                escaped(text)));
    }

    private static String escaped(String text) {
        StringBuilder safe = new StringBuilder();
        text.codePoints().forEach(point -> {
            switch (point) {
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '&' -> safe.append("&amp;");
                case '"' -> safe.append("&quot;");
                default -> safe.appendCodePoint(Character.isISOControl(point) ? '?' : point);
            }
        });
        return safe.toString();
    }
}
