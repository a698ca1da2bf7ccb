package io.millrace.worker;

import java.nio.file.Path;

/** Where a job works, and how it tells how far it is. */
public interface Workspace {
    /**
     * A folder of this job's key alone. It survives a crash of the process, so that a stage may go on from what it saved
     * there; it is deleted when the result stands.
     */
    Path folder();

    /** Reports progress in the stage's own units; {@code total} 0 where it is not known. Cheap enough to call often. */
    void progress(long done, long total, String message);
}
