package io.millrace.worker;

import io.millrace.events.Parameters;
import io.millrace.events.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A pruner whose work is told by the test. */
public record FakeStage(Work work) implements Stage<Parameters.Prune> {
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
        return new StageOutput(output, List.of());
    }
}
