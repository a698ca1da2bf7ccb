package io.millrace.worker;

import io.millrace.events.Digest;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Where a job works, and how it tells how far it is. */
public interface Workspace {
    /**
     * A folder of this job's key alone. It survives a crash of the process, so that a stage may go on from what it saved
     * there; it is deleted when the result stands.
     */
    Path folder();

    /** Reports progress in the stage's own units; {@code total} 0 where it is not known. Cheap enough to call often. */
    void progress(long done, long total, String message);

    /**
     * Takes the digests of finished files of the output from a stage that can compute them while it writes: a store need
     * not read these files again. Empty where nobody wants them. A file must not change after its digest was given.
     */
    default Optional<BiConsumer<Path, Digest>> digests() {
        return Optional.empty();
    }
}
