package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.ModelName;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.wire.TraceContext;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class TracesTest {
    private static final RunId RUN = new RunId(Digest.of("a run"));
    private static final Instant BEGAN = Instant.parse("2026-03-01T10:00:00Z");
    private static final JobRef JOB =
            new JobRef(new JobKey(Digest.of("a job")), new ModelName("chat"), RUN, 2, StageName.QUANTIZE, Device.CPU);

    @Test
    void aRunAndItsJobsAreOneTraceWhoeverTellsThem() throws Exception {
        List<ExportTraceServiceRequest> requests = Collections.synchronizedList(new ArrayList<>());
        HttpServer collector = collector(requests);
        Map<String, String> environment = Map.of(
                Traces.ENDPOINT, "http://127.0.0.1:" + collector.getAddress().getPort());
        try {
            try (Traces worker = Traces.of("quantizer", environment)) {
                worker.ended(JOB, BEGAN.plusSeconds(1), BEGAN.plusSeconds(3), "succeeded");
                worker.ended(JOB, BEGAN.plusSeconds(1), BEGAN.plusSeconds(2), "disk-full");
            }
            try (Traces conductor = Traces.of("conductor", environment)) {
                conductor.ended(run());
            }
        } finally {
            collector.stop(0);
        }

        assertThat(requests)
                .extracting(request -> request.getResourceSpans(0).getResource().getAttributesList().stream()
                        .filter(attribute -> attribute.getKey().equals("service.name"))
                        .findFirst()
                        .orElseThrow()
                        .getValue()
                        .getStringValue())
                .containsExactly("millrace-quantizer", "millrace-conductor");
        List<Span> spans = requests.stream()
                .flatMap(request -> request.getResourceSpans(0).getScopeSpans(0).getSpansList().stream())
                .toList();
        TraceContext context = TraceContext.of(RUN);
        assertThat(spans).extracting(span -> hex(span.getTraceId())).containsOnly(context.traceId());
        Span root = spans.getLast();
        assertThat(root.getName()).isEqualTo("run");
        assertThat(hex(root.getSpanId())).isEqualTo(context.spanId());
        assertThat(root.getParentSpanId().isEmpty()).isTrue();
        assertThat(root.getEndTimeUnixNano() - root.getStartTimeUnixNano()).isEqualTo(10_000_000_000L);
        assertThat(spans.subList(0, 2)).allSatisfy(span -> {
            assertThat(span.getName()).isEqualTo("quantize");
            assertThat(hex(span.getParentSpanId())).isEqualTo(context.spanId());
        });
        assertThat(spans)
                .extracting(span -> span.getStatus().getCode())
                .containsExactly(
                        Status.StatusCode.STATUS_CODE_UNSET,
                        Status.StatusCode.STATUS_CODE_ERROR,
                        Status.StatusCode.STATUS_CODE_UNSET);
        assertThat(spans.getFirst().getEndTimeUnixNano() - spans.getFirst().getStartTimeUnixNano())
                .isEqualTo(2_000_000_000L);
    }

    @Test
    void aCollectorThatIsNotThereDisturbsNobody() {
        try (Traces traces = Traces.of("quantizer", Map.of(Traces.ENDPOINT, "http://127.0.0.1:1"))) {
            traces.ended(JOB, BEGAN, BEGAN.plusSeconds(1), "succeeded");
        }
    }

    /** Where OpenTelemetry is not even on the class path. */
    @Test
    void nothingOfOpenTelemetryIsLoadedWithoutAnEndpoint() throws Exception {
        URL[] without = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(element -> !element.contains("opentelemetry"))
                .map(TracesTest::url)
                .toArray(URL[]::new);
        try (URLClassLoader loader = new URLClassLoader(without, ClassLoader.getPlatformClassLoader())) {
            Object traces = loader.loadClass(Traces.class.getName())
                    .getMethod("of", String.class, Map.class)
                    .invoke(null, "quantizer", Map.of("PATH", "/bin"));

            assertThat(traces.getClass().getName()).isEqualTo(Traces.Off.class.getName());
        }
    }

    private static HttpServer collector(List<ExportTraceServiceRequest> requests) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            requests.add(ExportTraceServiceRequest.parseFrom(exchange.getRequestBody()));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static RunChanged run() {
        return new RunChanged(
                RUN,
                new ModelName("chat"),
                "v1",
                "policy",
                "phone",
                BEGAN,
                BEGAN.plusSeconds(10),
                RunStatus.PUBLISHED,
                1,
                1,
                1,
                1,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                1,
                true,
                0,
                0,
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty());
    }

    private static String hex(com.google.protobuf.ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    private static URL url(String element) {
        try {
            return Path.of(element).toUri().toURL();
        } catch (IOException e) {
            throw new IllegalArgumentException(element, e);
        }
    }
}
