package io.millrace.cli;

import java.util.List;
import java.util.Locale;

/** Columns aligned for a terminal; the last one is never padded. */
public record Table(List<String> header, List<List<String>> rows) {
    @Override
    public String toString() {
        int[] widths = new int[header.size()];
        measure(header, widths);
        rows.forEach(row -> measure(row, widths));
        StringBuilder text = new StringBuilder();
        append(header.stream().map(name -> name.toUpperCase(Locale.ROOT)).toList(), widths, text);
        rows.forEach(row -> append(row, widths, text));
        return text.toString();
    }

    private static void measure(List<String> row, int[] widths) {
        for (int column = 0; column < widths.length; column++) {
            widths[column] = Math.max(widths[column], width(Text.printable(row.get(column))));
        }
    }

    private static void append(List<String> row, int[] widths, StringBuilder text) {
        for (int column = 0; column < widths.length; column++) {
            String cell = Text.printable(row.get(column));
            text.append(cell);
            if (column < widths.length - 1) {
                text.append(" ".repeat(widths[column] - width(cell) + 2));
            }
        }
        text.append(System.lineSeparator());
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
