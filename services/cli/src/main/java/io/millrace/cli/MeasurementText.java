package io.millrace.cli;

import io.millrace.events.Measurement;
import io.millrace.events.Metric;

/** A measurement in one line, with what it rests on. */
final class MeasurementText {
    private MeasurementText() {}

    static String of(Measurement measurement) {
        StringBuilder text = new StringBuilder(measurement.metric()).append(' ');
        if (measurement.value().isEmpty()) {
            return text.append("– (").append(measurement.note()).append(')').toString();
        }
        boolean bytes = measurement.unit().equals(Metric.SIZE.unit());
        text.append(number(measurement.value().getAsDouble(), bytes));
        measurement.standardError().ifPresent(error -> text.append(" ± ").append(Text.number(error)));
        if (!measurement.unit().isEmpty() && !bytes) {
            text.append(' ').append(measurement.unit());
        }
        measurement.baseline().ifPresent(baseline -> text.append(", original ").append(number(baseline, bytes)));
        if (measurement.samples() > 0) {
            text.append(", ").append(measurement.samples()).append(" samples");
        }
        if (!measurement.runtime().isEmpty()) {
            text.append(", ").append(measurement.runtime()).append(" on ").append(measurement.device());
        }
        if (!measurement.note().isEmpty()) {
            text.append(" (").append(measurement.note()).append(')');
        }
        return text.toString();
    }

    private static String number(double value, boolean bytes) {
        return bytes ? Text.bytes((long) value) : Text.number(value);
    }
}
