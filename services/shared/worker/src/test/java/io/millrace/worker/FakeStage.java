package io.millrace.worker;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** A pruner whose work is told by the test. */
public record FakeStage(Work work) implements Stage<Parameters.Prune> {
    /** What it says of each output. */
    public static final Measurement MEASUREMENT = new Measurement(
            "size-ratio",
            OptionalDouble.of(0.1 + 0.2),
            OptionalDouble.empty(),
            OptionalDouble.of(1),
            "",
            "",
            Device.CPU,
            1L << 40,
            Optional.of(Digest.of("text")),
            "of \"all\" files");

    /** What happens before the output is written. */
    @FunctionalInterface
    public interface Work {
        void run(StageInput<Parameters.Prune> input, Workspace workspace)
                throws StageException, IOException, InterruptedException;
    }

    @Override
    public Class<Parameters.Prune> parameters() {
        return Parameters.Prune.class;
    }

    /** Copies the model's file, so that the output follows from the input. */
    @Override
    public StageOutput run(StageInput<Parameters.Prune> input, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        work.run(input, workspace);
        Path output = Files.createDirectories(workspace.folder().resolve("output"));
        Files.write(
                output.resolve("model.txt"),
                Files.readAllBytes(input.require(Role.MODEL).resolve("model.txt")));
        return new StageOutput(output, List.of(MEASUREMENT));
    }
}
