package io.millrace.worker.observe;

import io.millrace.events.JobRef;
import io.millrace.events.RunChanged;
import java.time.Instant;
import java.util.Map;

/**
 * One trace for each run: a span of the run, told by the conductor when it ends, and below it one for each delivery of a
 * job, told by the worker. Their ids follow from the run, as those of the {@code traceparent} headers of its events do,
 * so nobody has to hand them on.
 */
public sealed interface Traces extends AutoCloseable permits Traces.Off, OtlpTraces {
    /** The variable that turns traces on; OpenTelemetry's own, as all others that say where and how they are sent. */
    String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /** The same for traces alone. */
    String TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    /** Traces of this process. Without an endpoint nothing is sent, and nothing of OpenTelemetry is loaded. */
    static Traces of(String service, Map<String, String> environment) {
        return environment.containsKey(ENDPOINT) || environment.containsKey(TRACES_ENDPOINT)
                ? OtlpTraces.open(service, environment)
                : new Off();
    }

    /** A run that has ended. */
    void ended(RunChanged run);

    /** @param outcome a short word */
    void ended(JobRef job, Instant began, Instant ended, String outcome);

    /** Sends what is not sent yet. */
    @Override
    void close();

    /** No endpoint is given. */
    record Off() implements Traces {
        @Override
        public void ended(RunChanged run) {}

        @Override
        public void ended(JobRef job, Instant began, Instant ended, String outcome) {}

        @Override
        public void close() {}
    }
}
