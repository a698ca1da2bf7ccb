package io.millrace.events;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One measured number with what it rests on. A metric that could not be measured has no value and a note that says why.
 *
 * @param standardError of the value, where it is a mean
 * @param baseline the original's value of the same metric, measured in the same job
 * @param unit of value, error and baseline; empty for a pure number
 * @param runtime what executed the model, with its version; empty for sizes
 * @param samples how many windows, tokens or pairs the value rests on
 * @param dataset digest of the text
 * @param note a remark, or why it was not measured
 */
public record Measurement(
        String metric,
        OptionalDouble value,
        OptionalDouble standardError,
        OptionalDouble baseline,
        String unit,
        String runtime,
        Device device,
        long samples,
        Optional<Digest> dataset,
        String note) {
    public Measurement {
        if (value.isEmpty() && note.isEmpty()) {
            throw new IllegalArgumentException("'" + metric + "' has no value and no note that says why");
        }
        if (value.isPresent() && !Double.isFinite(value.getAsDouble())) {
            throw new IllegalArgumentException("'" + metric + "' is " + value.getAsDouble() + ", not a finite number");
        }
    }

    /** A metric that could not be measured. */
    public static Measurement missing(Metric metric, Device device, String why) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                metric.unit(),
                "",
                device,
                0,
                Optional.empty(),
                why);
    }

    public boolean measured() {
        return value.isPresent();
    }
}
