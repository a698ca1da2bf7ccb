package io.millrace.events.wire;

import io.millrace.events.Event;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * Events as bytes, in Avro's single-object encoding. Safe for use by many threads. Equal events have equal bytes; times
 * are kept to the millisecond.
 *
 * <pre>
 * 0   C3 01           marker
 * 2   8 bytes         CRC-64-AVRO fingerprint of the writer's schema, little-endian
 * 10  Avro binary     the record, to the last byte
 * </pre>
 */
public final class EventCodec {
    private static final int HEADER_BYTES = 10;
    private static final short MARKER = (short) 0xC301;

    private final SchemaLookup lookup;

    /** Knows the schemas that this version was built with. */
    public EventCodec() {
        this(SchemaLookup.NONE);
    }

    /**
     * Knows the schemas that this version was built with, and asks for any other.
     *
     * @param lookup asked before a fingerprint counts as undecodable
     */
    public EventCodec(SchemaLookup lookup) {
        this.lookup = lookup;
    }

    /** The current schema of each event, by the event's name; complete in itself. */
    public static Map<String, Schema> schemas() {
        return Schemas.current();
    }

    public byte[] encode(Event event) {
        GenericRecord record = EventForms.write(event);
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        out.writeBytes(ByteBuffer.allocate(HEADER_BYTES)
                .putShort(MARKER)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(Schemas.fingerprint(record.getSchema().getName()))
                .array());
        try {
            BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
            new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, encoder);
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return out.toByteArray();
    }

    /**
     * Never throws for bad bytes. What the lookup throws, because it cannot reach Kafka, does come through: the bytes
     * may be good.
     */
    public Decoded decode(byte @Nullable [] bytes) {
        if (bytes == null) {
            return new Decoded.Undecodable("has no value");
        }
        if (bytes.length < HEADER_BYTES) {
            return new Decoded.Undecodable(bytes.length + " bytes are too few for an event, whose header has 10");
        }
        ByteBuffer header = ByteBuffer.wrap(bytes);
        short marker = header.getShort();
        if (marker != MARKER) {
            return new Decoded.Undecodable(
                    String.format("starts with %04x, expected the marker c301 of Avro single objects", marker));
        }
        long fingerprint = header.order(ByteOrder.LITTLE_ENDIAN).getLong();
        Optional<Schema> writer = Schemas.builtIn(fingerprint).or(() -> lookup.find(fingerprint));
        if (writer.isEmpty()) {
            return new Decoded.Undecodable("schema " + Schemas.hex(fingerprint)
                    + " is neither built in nor in the topic of schemas; its writer must publish it first");
        }
        return decode(bytes, writer.get());
    }

    private static Decoded decode(byte[] bytes, Schema writer) {
        Schema reader = Schemas.current().get(writer.getName());
        if (reader == null || !reader.getFullName().equals(writer.getFullName())) {
            return new Decoded.UnknownKind(writer.getFullName());
        }
        try {
            BinaryDecoder decoder =
                    DecoderFactory.get().binaryDecoder(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES, null);
            GenericRecord record = new GenericDatumReader<GenericRecord>(writer, reader).read(null, decoder);
            if (!decoder.isEnd()) {
                return new Decoded.Undecodable(writer.getFullName() + ": bytes remain after the record's end");
            }
            return new Decoded.Known(EventForms.read(record));
        } catch (UnknownKindException e) {
            return new Decoded.UnknownKind(writer.getFullName() + " with " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            // Avro's code and the records refuse hostile bytes in many ways, all of them the bytes' fault.
            return new Decoded.Undecodable(writer.getFullName() + ": " + e.getMessage());
        }
    }
}
