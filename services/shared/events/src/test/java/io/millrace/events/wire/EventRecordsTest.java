package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.ModelPublished;
import io.millrace.events.Samples;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.junit.jupiter.api.Test;

class EventRecordsTest {
    private final EventCodec codec = new EventCodec();
    private final EventRecords records = new EventRecords(Topics.DEFAULT, codec, "millrace/test");

    @Test
    void eachEventGoesToItsTopicUnderItsKey() {
        String model = Samples.MODEL.value();
        Map<String, List<String>> placeByEvent = Map.ofEntries(
                Map.entry("CheckpointPublished", List.of("millrace.checkpoints", model)),
                Map.entry("Policy", List.of("millrace.policies", "chat-models")),
                Map.entry(
                        "Job",
                        List.of("millrace.jobs.benchmark.cpu", Samples.REF.key().toString())),
                Map.entry("JobStarted", List.of("millrace.job-events", model)),
                Map.entry("JobProgressed", List.of("millrace.job-events", model)),
                Map.entry("JobSucceeded", List.of("millrace.job-events", model)),
                Map.entry("JobFailed", List.of("millrace.job-events", model)),
                Map.entry("OperatorRequest", List.of("millrace.job-events", model)),
                Map.entry("JobCancelled", List.of("millrace.cancellations", model + "|" + Samples.REF.key())),
                Map.entry("ModelPublished", List.of("millrace.models", model)),
                Map.entry("ModelRejected", List.of("millrace.rejections", model)),
                Map.entry("RunFailed", List.of("millrace.rejections", model)),
                Map.entry("RunChanged", List.of("millrace.runs", Samples.RUN.toString())));

        for (Event event : Samples.full()) {
            ProducerRecord<String, byte[]> record = records.record(event);

            assertThat(List.of(record.topic(), record.key()))
                    .isEqualTo(placeByEvent.get(event.getClass().getSimpleName()));
            assertThat(codec.decode(record.value())).isEqualTo(new Decoded.Known(event));
        }
    }

    @Test
    void latestModelIsKeyedByModelPolicyAndTarget() {
        ModelPublished event = Samples.full().stream()
                .filter(ModelPublished.class::isInstance)
                .map(ModelPublished.class::cast)
                .findFirst()
                .orElseThrow();

        ProducerRecord<String, byte[]> record = records.latest(event);

        assertThat(record.topic()).isEqualTo("millrace.models.latest");
        assertThat(record.key()).isEqualTo("chat-7b|chat-models|phone");
    }

    @Test
    void headersAreThoseOfCloudEventsAndTraceContext() {
        Map<String, String> headers = texts(records.record(Samples.JOB).headers());

        assertThat(headers)
                .containsEntry("ce_specversion", "1.0")
                .containsEntry("ce_source", "millrace/test")
                .containsEntry("ce_type", "io.millrace.Job")
                .containsEntry("ce_subject", "chat-7b")
                .containsEntry("content-type", "application/avro")
                .containsEntry("millrace-model", "chat-7b")
                .containsEntry("millrace-run", Samples.RUN.toString())
                .containsEntry("millrace-job", Samples.REF.key().toString())
                .containsEntry("millrace-attempt", "2")
                .doesNotContainKey("ce_time");
        assertThat(texts(records.record(new JobProgressed(Samples.REF, Samples.AT, 1, 2, ""))
                        .headers()))
                .containsEntry("ce_time", Samples.AT.toString());
        assertThat(headers.get("ce_id")).matches("[0-9a-f]{64}");
        assertThat(headers.get("ce_dataschema")).matches("urn:avro:crc64:[0-9a-f]{16}");
        assertThat(headers.get("traceparent")).matches("00-[0-9a-f]{32}-[0-9a-f]{16}-01");
    }

    @Test
    void eachEventNamesItsSubjectAndItsTimeAndIsKnownByItsBytes() {
        Map<String, String> subjects = Map.of("CheckpointPublished", "chat-7b/%s", "Policy", "chat-models");
        Set<String> timeless = Set.of("Policy", "Job");

        for (Event event : Samples.full()) {
            ProducerRecord<String, byte[]> record = records.record(event);
            Map<String, String> headers = texts(record.headers());
            String name = event.getClass().getSimpleName();
            String version = event instanceof CheckpointPublished checkpoint ? checkpoint.version() : "";

            assertThat(headers)
                    .as(name)
                    .containsEntry(
                            "ce_subject", subjects.getOrDefault(name, "chat-7b").formatted(version))
                    .containsEntry("ce_id", Digest.of(record.value()).hex())
                    .containsEntry("ce_dataschema", "urn:avro:crc64:" + Schemas.hex(Schemas.fingerprint(name)))
                    .containsEntry("ce_type", "io.millrace." + name);
            assertThat(headers.containsKey("ce_time")).as(name).isEqualTo(!timeless.contains(name));
            assertThat(headers.containsKey("millrace-model")).as(name).isEqualTo(!name.equals("Policy"));
            assertThat(headers.containsKey("millrace-job")).as(name).isEqualTo(name.startsWith("Job"));
            assertThat(headers.containsKey("millrace-run"))
                    .as(name)
                    .isEqualTo(!Set.of("Policy", "CheckpointPublished", "JobCancelled")
                            .contains(name));
        }
    }

    @Test
    void sameEventHasTheSameHeadersAndAnotherEventAnotherId() {
        Set<String> ids = new HashSet<>();
        for (Event event : Samples.full()) {
            Map<String, String> headers = texts(records.record(event).headers());

            assertThat(headers).isEqualTo(texts(records.record(event).headers()));
            assertThat(ids.add(headers.get("ce_id"))).isTrue();
        }
    }

    @Test
    void allEventsOfARunShareOneTrace() {
        Set<String> traces = new HashSet<>();
        for (Event event : Samples.full()) {
            Map<String, String> headers = texts(records.record(event).headers());
            if (headers.containsKey("millrace-run")) {
                traces.add(headers.get("traceparent").substring(0, 35));
            }
        }

        assertThat(traces).containsExactly("00-" + Samples.RUN.toString().substring(0, 32));
    }

    @Test
    void jobIsKnownByItsHeadersAlone() {
        assertThat(EventRecords.jobRef(records.record(Samples.JOB).headers())).contains(Samples.REF);
        assertThat(EventRecords.jobRef(records.record(
                                new JobCancelled(Optional.of(Samples.REF.model()), Samples.REF.key(), Samples.AT, ""))
                        .headers()))
                .isEmpty();
    }

    @Test
    void aCancellationForOneDeviceLiesUnderAKeyOfItsOwn() {
        JobCancelled event = new JobCancelled(Optional.of(Samples.REF.model()), Samples.REF.key(), Samples.AT, "");

        ProducerRecord<String, byte[]> record = records.cancelledOn(event, new Device("h100"));

        assertThat(record.key())
                .isEqualTo(EventRecords.cancellationKey(Samples.REF.model(), Samples.REF.key(), new Device("h100")))
                .isEqualTo(records.record(event).key() + "|h100");
        assertThat(record.value()).isEqualTo(records.record(event).value());
    }

    @Test
    void eventAboveTheLimitIsRefusedWithItsSize() {
        var event = new JobProgressed(Samples.REF, Samples.AT, 0, 0, "x".repeat(EventRecords.MAX_EVENT_BYTES));

        assertThatThrownBy(() -> records.record(event))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("JobProgressed", "'millrace.job-events'", "chat-7b", "at most 262144");
    }

    private static Map<String, String> texts(Headers headers) {
        Map<String, String> texts = new TreeMap<>();
        headers.forEach(header -> texts.put(header.key(), new String(header.value(), StandardCharsets.UTF_8)));
        return texts;
    }
}
