package io.millrace.cli;

import io.millrace.cli.compress.Compressor.Outcome;
import java.nio.file.Path;
import java.util.List;

/** What {@code millrace compress} did. */
record Compressed(Path model, long modelBytes, List<Outcome.Made> made, List<Outcome.Refused> refused) {
    int exitCode() {
        if (made.isEmpty()) {
            return ExitCode.REFUSED;
        }
        boolean unmeasured = made.stream().anyMatch(done -> done.notMeasured().isPresent());
        return refused.isEmpty() && !unmeasured ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
    }
}
