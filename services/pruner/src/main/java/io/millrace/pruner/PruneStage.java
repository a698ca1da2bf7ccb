package io.millrace.pruner;

import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters.Magnitude;
import io.millrace.events.Parameters.Neurons;
import io.millrace.events.Parameters.Prune;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.pruner.method.MagnitudePruning;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Prunes a checkpoint; the result is a Hugging Face folder again. */
public final class PruneStage implements Stage<Prune> {
    private static final Logger LOG = LoggerFactory.getLogger(PruneStage.class);

    @Override
    public Class<Prune> parameters() {
        return Prune.class;
    }

    @Override
    public StageOutput run(StageInput<Prune> input, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        Path output = Files.createDirectories(workspace.folder().resolve("output"));
        try (Checkpoint source = Checkpoint.open(input.require(Role.MODEL))) {
            source.leftOut().ifPresent(LOG::info);
            source.modules().lost().ifPresent(LOG::info);
            List<Measurement> measurements = new ArrayList<>();
            switch (input.parameters()) {
                case Magnitude magnitude -> new MagnitudePruning(source, magnitude, workspace::progress).write(output);
                case Neurons neurons ->
                    measurements.addAll(new NeuronStep(source, neurons, input, workspace).write(output));
            }
            try (Checkpoint pruned = Checkpoint.open(output)) {
                measurements.add(parameters(source, pruned, input.device()));
                return new StageOutput(output, measurements);
            }
        } catch (MalformedFileException e) {
            throw new StageException(Reason.ofCode(e.kind().code()), String.valueOf(e.getMessage()), e);
        }
    }

    private static Measurement parameters(Checkpoint source, Checkpoint pruned, Device device) {
        return new Measurement(
                "parameters",
                OptionalDouble.of((double) pruned.parameters()),
                OptionalDouble.empty(),
                OptionalDouble.of((double) source.parameters()),
                "weight",
                "",
                device,
                1,
                Optional.empty(),
                "");
    }
}
