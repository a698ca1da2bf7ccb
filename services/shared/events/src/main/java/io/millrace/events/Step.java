package io.millrace.events;

import java.util.Optional;

/**
 * One step of a recipe, and the device class that works on it.
 *
 * @param importance an artifact with one file that says how strongly the model's columns are used; a GGUF step weighs
 *     errors by it
 */
public record Step(Parameters parameters, Device device, Optional<ArtifactRef> importance) {
    public Step {
        if (importance.isPresent() && !(parameters instanceof Parameters.Gguf)) {
            throw new IllegalArgumentException(
                    "'" + parameters.summary() + "' takes no importance matrix; only GGUF steps do");
        }
    }

    public Step(Parameters parameters, Device device) {
        this(parameters, device, Optional.empty());
    }

    /** As people write it. */
    public String summary() {
        return parameters.summary() + (importance.isPresent() ? ", by importance" : "");
    }
}
