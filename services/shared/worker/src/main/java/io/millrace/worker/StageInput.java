package io.millrace.worker;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a stage works on.
 *
 * @param inputs a read-only folder per role
 * @param device the device class that this worker serves
 */
public record StageInput<P extends Parameters>(Map<Role, Path> inputs, P parameters, long seed, Device device) {
    public StageInput {
        inputs = Map.copyOf(inputs);
    }

    /** The folder of a role that the stage cannot work without. */
    public Path require(Role role) {
        Path folder = inputs.get(role);
        if (folder == null) {
            throw new IllegalArgumentException(
                    "the job has no input '" + role.wireName() + "'; it has " + inputs.keySet());
        }
        return folder;
    }
}
