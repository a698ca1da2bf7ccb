package io.millrace.cli;

import io.millrace.events.policy.PolicyDraft;
import io.millrace.events.policy.PolicyException;
import io.millrace.events.policy.PolicyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads a policy file for a command. */
final class PolicySource {
    private PolicySource() {}

    static PolicyDraft read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "there is no policy file " + file);
        }
        try {
            return PolicyFile.parse(file);
        } catch (PolicyException e) {
            throw new CommandFailure(ExitCode.REFUSED, String.valueOf(e.getMessage()), e);
        }
    }
}
