package io.millrace.events.wire;

import io.millrace.events.Digest;
import io.millrace.events.RunId;

/**
 * W3C trace context of a run. It follows from the run's id, so whoever knows the run adds spans to its trace, whether
 * somebody else does or not.
 *
 * @param traceId 32 hexadecimal digits
 * @param spanId of the span of the whole run, 16 hexadecimal digits
 */
public record TraceContext(String traceId, String spanId) {
    private static final int TRACE_DIGITS = 32;
    private static final int SPAN_DIGITS = 16;

    public static TraceContext of(RunId run) {
        return of(run.digest(), Digest.of("run " + run));
    }

    static TraceContext of(Digest trace, Digest span) {
        return new TraceContext(
                trace.hex().substring(0, TRACE_DIGITS), span.hex().substring(0, SPAN_DIGITS));
    }

    /** The value of the header {@code traceparent}: version 00, sampled. */
    String traceparent() {
        return "00-" + traceId + "-" + spanId + "-01";
    }
}
