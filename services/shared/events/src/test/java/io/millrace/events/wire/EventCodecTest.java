package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Samples;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EventCodecTest {
    private final EventCodec codec = new EventCodec();

    static Stream<Event> events() {
        return Stream.concat(Samples.full().stream(), Samples.minimal().stream());
    }

    @ParameterizedTest
    @MethodSource("events")
    void everyEventComesBackAsItWas(Event event) {
        assertThat(codec.decode(codec.encode(event))).isEqualTo(new Decoded.Known(event));
    }

    @Test
    void theSamplesHoldEveryKindOfEvent() {
        assertThat(Samples.full().stream().map(event -> event.getClass().getSimpleName()))
                .containsExactlyInAnyOrderElementsOf(Schemas.current().keySet());
    }

    @Test
    void timesAreKeptToTheMillisecond() {
        var event = new JobProgressed(Samples.REF, Samples.AT.plusNanos(999), 0, 0, "");

        Decoded decoded = codec.decode(codec.encode(event));

        assertThat(decoded).isEqualTo(new Decoded.Known(new JobProgressed(Samples.REF, Samples.AT, 0, 0, "")));
    }

    @ParameterizedTest
    @MethodSource("events")
    void everyTruncationIsUndecodable(Event event) {
        byte[] bytes = codec.encode(event);

        for (int length = 0; length < bytes.length; length++) {
            assertThat(codec.decode(Arrays.copyOf(bytes, length)))
                    .as("first %d of %d bytes", length, bytes.length)
                    .isInstanceOf(Decoded.Undecodable.class);
        }
    }

    @Test
    void bytesAfterTheEndAreUndecodable() {
        byte[] bytes = codec.encode(Samples.JOB);

        Decoded decoded = codec.decode(Arrays.copyOf(bytes, bytes.length + 1));

        assertThat(decoded)
                .isEqualTo(new Decoded.Undecodable("io.millrace.events.avro.Job: bytes remain after the record's end"));
    }

    @Test
    void randomDamageNeverThrows() {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (Event event : events().toList()) {
            byte[] bytes = codec.encode(event);
            for (int round = 0; round < 2000; round++) {
                byte[] damaged = bytes.clone();
                for (int i = 0; i <= random.nextInt(4); i++) {
                    damaged[10 + random.nextInt(bytes.length - 10)] = (byte) random.nextInt();
                }

                assertThat(codec.decode(damaged)).isNotNull();
            }
        }
    }

    /** A length that lies must not be believed before the bytes are there. */
    @Test
    void hugeLengthsAreRefusedWithoutHugeMemory() {
        byte[] longText = single(Schemas.current("JobCancelled"), 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x41);
        byte[] longList = single(Schemas.current("Policy"), 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x41);

        assertThat(codec.decode(longText)).isInstanceOf(Decoded.Undecodable.class);
        assertThat(codec.decode(longList)).isInstanceOf(Decoded.Undecodable.class);
    }

    @Test
    void foreignBytesAreUndecodable() {
        assertThat(codec.decode("{\"model\": \"chat-7b\"}".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(
                        new Decoded.Undecodable("starts with 7b22, expected the marker c301 of Avro single objects"));
        assertThat(codec.decode(new byte[0]))
                .isEqualTo(new Decoded.Undecodable("0 bytes are too few for an event, whose header has 10"));
    }

    @Test
    void unknownFingerprintIsAskedForBeforeItCountsAsUndecodable() {
        Schema foreign = new Schema.Parser()
                .parse("{\"type\": \"record\", \"name\": \"ModelFused\", \"namespace\": \"io.millrace.events.avro\","
                        + " \"fields\": [{\"name\": \"model\", \"type\": \"string\"}]}");
        byte[] bytes = single(foreign, 2, 'm');
        List<Long> asked = new ArrayList<>();

        Decoded known = new EventCodec(fingerprint -> {
                    asked.add(fingerprint);
                    return Optional.of(foreign);
                })
                .decode(bytes);

        assertThat(asked).containsExactly(Schemas.fingerprint(foreign));
        assertThat(known).isEqualTo(new Decoded.UnknownKind("io.millrace.events.avro.ModelFused"));
        assertThat(codec.decode(bytes)).isInstanceOf(Decoded.Undecodable.class);
    }

    /** The topic of schemas takes any; a record of the same name is another's by its namespace. */
    @Test
    void anotherNamespaceIsAnUnknownKind() {
        Schema foreign = new Schema.Parser()
                .parse(Schemas.current("JobProgressed").toString().replace("io.millrace.events.avro", "com.example"));
        byte[] bytes = codec.encode(new JobProgressed(Samples.REF, Samples.AT, 1, 2, ""));
        byte[] body = Arrays.copyOfRange(bytes, 10, bytes.length);

        assertThat(new EventCodec(_ -> Optional.of(foreign)).decode(withHeader(foreign, body)))
                .isEqualTo(new Decoded.UnknownKind("com.example.JobProgressed"));
    }

    @Test
    void stageThatThisVersionDoesNotKnowIsAnUnknownKind() {
        GenericRecord event = record(new JobProgressed(Samples.REF, Samples.AT, 1, 2, ""));
        ((GenericRecord) event.get("job")).put("stage", "fuse");

        assertThat(codec.decode(bytes(event)))
                .isEqualTo(new Decoded.UnknownKind("io.millrace.events.avro.JobProgressed with stage 'fuse'"));
    }

    @Test
    void methodThatThisVersionDoesNotKnowIsAnUnknownKind() {
        GenericRecord job = record(Samples.JOB);
        ((GenericRecord) job.get("parameters")).put("name", "energy");

        assertThat(codec.decode(bytes(job))).isInstanceOf(Decoded.UnknownKind.class);
    }

    @Test
    void jobWhoseKeyIsDerivedOtherwiseIsAnUnknownKind() {
        GenericRecord job = record(Samples.JOB);
        job.put("key", Digest.of("another algorithm").hex());

        assertThat(codec.decode(bytes(job))).isInstanceOf(Decoded.UnknownKind.class);
    }

    @Test
    void requestThatThisVersionDoesNotKnowIsAnUnknownKind() {
        GenericRecord request = record(
                new OperatorRequest(Samples.MODEL, Samples.RUN, OperatorRequest.Kind.CANCEL, "ada", "", Samples.AT));
        request.put(
                "kind",
                new GenericData.EnumSymbol(request.getSchema().getField("kind").schema(), "UNKNOWN"));

        assertThat(codec.decode(bytes(request))).isInstanceOf(Decoded.UnknownKind.class);
    }

    @Test
    void valuesThatTheRecordsRefuseAreUndecodable() {
        GenericRecord job = record(Samples.JOB);
        job.put("model", "../../etc");

        assertThat(codec.decode(bytes(job)))
                .isInstanceOfSatisfying(
                        Decoded.Undecodable.class,
                        undecodable -> assertThat(undecodable.why())
                                .contains("io.millrace.events.avro.Job", "'../../etc' is not a model name"));
    }

    private static GenericRecord record(Event event) {
        return EventForms.write(event);
    }

    private static byte[] bytes(GenericRecord record) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try {
            BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(body, null);
            new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, encoder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return withHeader(record.getSchema(), body.toByteArray());
    }

    private static byte[] single(Schema schema, int... body) {
        byte[] bytes = new byte[body.length];
        for (int i = 0; i < body.length; i++) {
            bytes[i] = (byte) body[i];
        }
        return withHeader(schema, bytes);
    }

    private static byte[] withHeader(Schema schema, byte[] body) {
        return ByteBuffer.allocate(10 + body.length)
                .putShort((short) 0xC301)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(Schemas.fingerprint(schema))
                .put(body)
                .array();
    }
}
