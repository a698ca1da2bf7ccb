package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import java.util.List;

/**
 * The one result of a job key.
 *
 * @param writer unique to the commit, read back when a conditional create was refused: the refusal may answer one's own
 *     success
 */
public record JobResult(
        JobKey key, ArtifactRef output, long sizeBytes, List<Measurement> measurements, Cost cost, String writer) {
    public JobResult {
        measurements = List.copyOf(measurements);
    }
}
