package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A result as whoever works on its key sees it: one that a fault of the disk made unreadable counts as none. */
final class UsableResult {
    private static final Logger LOG = LoggerFactory.getLogger(UsableResult.class);

    private UsableResult() {}

    /** @throws DamagedFileException if another version of Millrace wrote it */
    static Optional<JobResult> of(ArtifactStore store, JobKey key) throws IOException {
        try {
            return store.result(key);
        } catch (DamagedFileException e) {
            store.dropUnreadableResult(key)
                    .ifPresent(found -> LOG.atWarn()
                            .addKeyValue("job", key)
                            .log("a result that cannot be read is taken away, and its job done again: {}", found));
            return store.result(key);
        }
    }
}
