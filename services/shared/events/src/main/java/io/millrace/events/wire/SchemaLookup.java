package io.millrace.events.wire;

import java.util.Optional;
import org.apache.avro.Schema;

/** Finds a schema that this version was not built with. */
@FunctionalInterface
public interface SchemaLookup {
    /** Knows nothing. */
    SchemaLookup NONE = fingerprint -> Optional.empty();

    /** The schema with this CRC-64-AVRO fingerprint. */
    Optional<Schema> find(long fingerprint);
}
