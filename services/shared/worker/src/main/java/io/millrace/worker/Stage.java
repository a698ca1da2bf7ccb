package io.millrace.worker;

import io.millrace.events.Parameters;
import java.io.IOException;

/**
 * Turns input artifacts into one output artifact. A stage sees folders and parameters, never Kafka or the store, and
 * keeps no state between jobs.
 */
public interface Stage<P extends Parameters> {
    /** Which parameters this stage understands. */
    Class<P> parameters();

    /**
     * Does the work. The output folder lies below {@link Workspace#folder}.
     *
     * @throws StageException when the job cannot succeed, with the reason
     * @throws IOException for trouble with files that is nobody's fault that the stage knows of
     * @throws InterruptedException when the job is no longer wanted
     */
    StageOutput run(StageInput<P> input, Workspace workspace) throws StageException, IOException, InterruptedException;
}
