package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Step;
import java.nio.file.Path;
import java.util.Optional;

/** A step whose importance matrix, if it has one, is still a file. */
public record StepDraft(Parameters parameters, Device device, Optional<Path> importance) {
    Step resolve(PolicyInputs inputs) {
        return new Step(parameters, device, importance.map(inputs::importance));
    }
}
