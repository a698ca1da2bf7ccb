package io.millrace.benchmarks;

import io.millrace.events.Device;
import io.millrace.events.Limit;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.worker.Stage;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.UUID;
import java.util.function.Consumer;

/** A stage that computes nothing: its output is one small file, another each time. */
record IdleStage<P extends Parameters>(Class<P> parameters, Consumer<Parameters> began) implements Stage<P> {
    /** What every candidate keeps. */
    static final Limit LIMIT = new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 1);

    @Override
    public StageOutput run(StageInput<P> input, Workspace workspace) throws IOException {
        began.accept(input.parameters());
        Files.writeString(
                workspace.folder().resolve("result.txt"), UUID.randomUUID().toString());
        return new StageOutput(workspace.folder(), List.of(sizeRatio(input.device())));
    }

    private static Measurement sizeRatio(Device device) {
        return new Measurement(
                Metric.SIZE_RATIO.wireName(),
                OptionalDouble.of(0.5),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                "ratio",
                "",
                device,
                1,
                Optional.empty(),
                "");
    }
}
