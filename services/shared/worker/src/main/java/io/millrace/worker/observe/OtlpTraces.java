package io.millrace.worker.observe;

import io.millrace.events.JobRef;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.wire.TraceContext;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.trace.IdGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Sends spans by OTLP, set up by OpenTelemetry's own variables. */
final class OtlpTraces implements Traces {
    /** A collector that does not answer holds no process up. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);

    private static final String SUCCEEDED = "succeeded";
    private static final String FROM_STORE = "from-store";

    private final OpenTelemetrySdk sdk;
    private final Tracer tracer;
    private final RunIds ids;

    private OtlpTraces(OpenTelemetrySdk sdk, RunIds ids) {
        this.sdk = sdk;
        this.tracer = sdk.getTracer("io.millrace");
        this.ids = ids;
    }

    static OtlpTraces open(String service, Map<String, String> environment) {
        RunIds ids = new RunIds();
        Map<String, String> properties = new HashMap<>(Map.of(
                "otel.service.name",
                "millrace-" + service,
                "otel.exporter.otlp.protocol",
                "http/protobuf",
                "otel.metrics.exporter",
                "none",
                "otel.logs.exporter",
                "none"));
        environment.forEach((name, value) -> {
            if (name.startsWith("OTEL_")) {
                properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value);
            }
        });
        OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.builder()
                .disableShutdownHook()
                .addPropertiesCustomizer(_ -> properties)
                .addTracerProviderCustomizer((provider, _) -> provider.setIdGenerator(ids))
                .build()
                .getOpenTelemetrySdk();
        return new OtlpTraces(sdk, ids);
    }

    @Override
    public void ended(RunChanged run) {
        SpanBuilder builder = tracer.spanBuilder("run").setNoParent().setStartTimestamp(run.requestedAt());
        Span span = ids.ofRun(run.run(), builder::startSpan);
        span.setAttribute("millrace.run", run.run().toString());
        span.setAttribute("millrace.model", run.model().value());
        span.setAttribute("millrace.version", run.version());
        span.setAttribute("millrace.policy", run.policy());
        span.setAttribute("millrace.target", run.target());
        span.setAttribute("millrace.status", run.status().wireName());
        if (run.status() == RunStatus.FAILED) {
            span.setStatus(StatusCode.ERROR, run.failure().map(Object::toString).orElse(""));
        }
        span.end(run.at());
    }

    @Override
    public void ended(JobRef job, Instant began, Instant ended, String outcome) {
        TraceContext trace = TraceContext.of(job.run());
        SpanContext run = SpanContext.createFromRemoteParent(
                trace.traceId(), trace.spanId(), TraceFlags.getSampled(), TraceState.getDefault());
        Span span = tracer.spanBuilder(job.stage().wireName())
                .setParent(Context.root().with(Span.wrap(run)))
                .setSpanKind(SpanKind.CONSUMER)
                .setStartTimestamp(began)
                .startSpan();
        span.setAttribute("millrace.run", job.run().toString());
        span.setAttribute("millrace.model", job.model().value());
        span.setAttribute("millrace.job", job.key().toString());
        span.setAttribute("millrace.attempt", job.attempt());
        span.setAttribute("millrace.device", job.device().name());
        span.setAttribute("millrace.outcome", outcome);
        if (!outcome.equals(SUCCEEDED) && !outcome.equals(FROM_STORE)) {
            span.setStatus(StatusCode.ERROR, outcome);
        }
        span.end(ended);
    }

    @Override
    public void close() {
        var _ = sdk.shutdown().join(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Gives a run's span its own ids, and others what OpenTelemetry gives them. */
    private static final class RunIds implements IdGenerator {
        private final IdGenerator others = IdGenerator.random();
        private final ThreadLocal<Optional<TraceContext>> run = ThreadLocal.withInitial(Optional::empty);

        Span ofRun(RunId which, Supplier<Span> start) {
            run.set(Optional.of(TraceContext.of(which)));
            try {
                return start.get();
            } finally {
                run.remove();
            }
        }

        @Override
        public String generateTraceId() {
            return run.get().map(TraceContext::traceId).orElseGet(others::generateTraceId);
        }

        @Override
        public String generateSpanId() {
            return run.get().map(TraceContext::spanId).orElseGet(others::generateSpanId);
        }
    }
}
