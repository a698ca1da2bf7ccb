package io.millrace.store;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.util.Optional;

/** Names found in a store that may be anything: other programs write there too. */
final class StoredNames {
    private static final String JSON = ".json";

    private StoredNames() {}

    /** The blob of {@code <2 hex>/<sha-256>}. */
    static Optional<Digest> blob(String folder, String name) {
        return name.startsWith(folder) ? digest(name) : Optional.empty();
    }

    /** The key of {@code <jobKey>.json}. */
    static Optional<JobKey> key(String name) {
        return name.endsWith(JSON)
                ? digest(name.substring(0, name.length() - JSON.length())).map(JobKey::new)
                : Optional.empty();
    }

    static Optional<Digest> digest(String name) {
        return Digest.isDigest(name) ? Optional.of(new Digest(name)) : Optional.empty();
    }
}
