package io.millrace.worker.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class IntakeTest {
    private static final EventCodec CODEC = new EventCodec();
    private static final EventRecords RECORDS = new EventRecords(Topics.DEFAULT, CODEC, "test");
    private static final Job JOB = new Job(
            new ModelName("model"),
            new RunId(Digest.of("run")),
            2,
            Map.of(Role.MODEL, ArtifactRef.inStore(Digest.of("model"))),
            new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
            Device.CPU,
            7);

    @Test
    void jobIsTaken() {
        ProducerRecord<String, byte[]> sent = RECORDS.record(JOB);

        assertThat(take(sent.key(), sent.value(), sent.headers())).isEqualTo(new Intake.Work(JOB));
    }

    @Test
    void keyThatThisWorkerComputesOtherwiseIsOfAnotherVersion() {
        ProducerRecord<String, byte[]> sent = RECORDS.record(JOB);
        String otherKey = Digest.of("counted otherwise").hex();

        Intake intake = take(otherKey, sent.value(), sent.headers());

        assertThat(intake).isInstanceOfSatisfying(Intake.OtherVersion.class, other -> {
            assertThat(other.job().attempt()).isEqualTo(2);
            assertThat(other.why()).contains(otherKey, JOB.key().toString());
        });
    }

    /** In the record itself, as a conductor with another version of the algorithm writes it. */
    @Test
    void jobOfAnotherAlgorithmsVersionSaysWhatItWaitsFor() {
        String key = JOB.key().toString();
        String otherKey = Digest.of("another algorithm").hex();
        ProducerRecord<String, byte[]> sent = RECORDS.record(JOB);
        byte[] foreign = new String(sent.value(), StandardCharsets.ISO_8859_1)
                .replace(key, otherKey)
                .getBytes(StandardCharsets.ISO_8859_1);

        Intake intake = take(otherKey, foreign, sent.headers());

        assertThat(intake)
                .isInstanceOfSatisfying(
                        Intake.OtherVersion.class,
                        other -> assertThat(other.why())
                                .startsWith("no work for this worker's version: ")
                                .contains(otherKey, key)
                                .endsWith("; it waits until conductor and workers are of one version"));
    }

    @Test
    void bytesThatAreNoEventAreUnreadable() {
        byte[] text = "hello".getBytes(StandardCharsets.UTF_8);

        assertThat(take("key", text, new RecordHeaders())).isInstanceOf(Intake.Unreadable.class);
        assertThat(take("key", null, new RecordHeaders())).isInstanceOf(Intake.Unreadable.class);
    }

    @Test
    void eventThatIsNoJobIsUnreadable() {
        ProducerRecord<String, byte[]> sent =
                RECORDS.record(new JobCancelled(Optional.of(JOB.model()), JOB.key(), Instant.EPOCH, "superseded"));

        assertThat(take(sent.key(), sent.value(), sent.headers()))
                .isEqualTo(new Intake.Unreadable("expected a job, found a JobCancelled"));
    }

    @Test
    void jobInTheWrongQueueIsUnreadable() {
        ProducerRecord<String, byte[]> sent = RECORDS.record(JOB);
        ConsumerRecord<String, byte[]> record = record(sent.key(), sent.value(), sent.headers());

        assertThat(Intake.of(record, StageName.QUANTIZE, Device.CPU, CODEC)).isInstanceOf(Intake.Unreadable.class);
        assertThat(Intake.of(record, StageName.PRUNE, new Device("h100"), CODEC))
                .isInstanceOf(Intake.Unreadable.class);
    }

    private static Intake take(String key, byte @Nullable [] value, Headers headers) {
        return Intake.of(record(key, value, headers), StageName.PRUNE, Device.CPU, CODEC);
    }

    private static ConsumerRecord<String, byte[]> record(String key, byte @Nullable [] value, Headers headers) {
        return new ConsumerRecord<>(
                "queue", 0, 0, 0, TimestampType.CREATE_TIME, 0, 0, key, value, headers, Optional.empty());
    }
}
