package io.millrace.events;

import java.util.Map;

/**
 * Work for a stage. Its key is derived from the record, so it cannot forget an input.
 *
 * @param run the run that asked first; others may wait for the same key
 * @param attempt counts from 1
 * @param device class of worker, part of the queue
 */
public record Job(
        ModelName model,
        RunId run,
        int attempt,
        Map<Role, ArtifactRef> inputs,
        Parameters parameters,
        Device device,
        long seed)
        implements Event {
    public Job {
        inputs = Map.copyOf(inputs);
        if (attempt < 1) {
            throw new IllegalArgumentException("attempts count from 1, found " + attempt);
        }
    }

    public JobKey key() {
        return JobKey.of(inputs, parameters, device, seed);
    }

    public StageName stage() {
        return parameters.stage();
    }

    public Job withAttempt(int next) {
        return new Job(model, run, next, inputs, parameters, device, seed);
    }
}
