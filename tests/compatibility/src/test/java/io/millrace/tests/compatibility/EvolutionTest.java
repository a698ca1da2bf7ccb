package io.millrace.tests.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.Test;

/** What this version does when it meets the next one. */
class EvolutionTest {
    @Test
    void newKindOfEventIsSkipped() throws IOException {
        Schema merged = new Schema.Parser()
                .parse("{\"type\":\"record\",\"name\":\"ModelsMerged\",\"namespace\":\"io.millrace.events.avro\","
                        + "\"fields\":[{\"name\":\"model\",\"type\":\"string\"}]}");
        GenericRecord event = new GenericData.Record(merged);
        event.put("model", "chat-7b");

        assertThat(codecThatFinds(merged).decode(single(event)))
                .isEqualTo(new Decoded.UnknownKind("io.millrace.events.avro.ModelsMerged"));
    }

    @Test
    void knownEventOfANewStageIsSkipped() throws IOException {
        GenericRecord progressed = progressed(EventCodec.schemas().get("JobProgressed"), "merge");

        assertThat(new EventCodec().decode(single(progressed)))
                .isEqualTo(new Decoded.UnknownKind("io.millrace.events.avro.JobProgressed with stage 'merge'"));
    }

    @Test
    void newerSchemaOfAKnownEventIsReadOnceItIsFound() throws IOException {
        Schema newer = new Schema.Parser()
                .parse(EventCodec.schemas()
                        .get("JobProgressed")
                        .toString()
                        .replaceFirst(
                                "\"fields\":\\[",
                                "\"fields\":[{\"name\":\"host\",\"type\":\"string\",\"default\":\"\"},"));
        GenericRecord progressed = progressed(newer, "prune");
        progressed.put("host", "node-7");

        assertThat(codecThatFinds(newer).decode(single(progressed))).isInstanceOf(Decoded.Known.class);
        assertThat(new EventCodec().decode(single(progressed))).isInstanceOf(Decoded.Undecodable.class);
    }

    private static EventCodec codecThatFinds(Schema schema) {
        return new EventCodec(fingerprint -> Optional.of(schema).filter(known -> fingerprint(known) == fingerprint));
    }

    private static GenericRecord progressed(Schema schema, String stage) {
        GenericRecord job = new GenericData.Record(schema.getField("job").schema());
        Map.<String, Object>of(
                        "key",
                        "a".repeat(64),
                        "model",
                        "chat-7b",
                        "run",
                        "b".repeat(64),
                        "attempt",
                        1,
                        "stage",
                        stage,
                        "device",
                        "cpu")
                .forEach(job::put);
        GenericRecord event = new GenericData.Record(schema);
        Map.<String, Object>of("job", job, "at", 0L, "done", 1L, "total", 2L, "message", "")
                .forEach(event::put);
        return event;
    }

    private static long fingerprint(Schema schema) {
        return SchemaNormalization.parsingFingerprint64(schema);
    }

    private static byte[] single(GenericRecord record) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(10)
                .putShort((short) 0xC301)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(fingerprint(record.getSchema()))
                .array());
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, encoder);
        return out.toByteArray();
    }
}
