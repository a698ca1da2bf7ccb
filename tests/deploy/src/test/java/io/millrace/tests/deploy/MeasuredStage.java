package io.millrace.tests.deploy;

import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/** A stage that fails once for a passing reason, and then is done at once with the numbers of a good model. */
record MeasuredStage<P extends Parameters>(Class<P> parameters, AtomicBoolean failed) implements Stage<P> {
    static final double PERPLEXITY_INCREASE = 0.02;

    private static final Map<Metric, Double> NUMBERS = Map.of(
            Metric.PERPLEXITY, 8.16,
            Metric.PERPLEXITY_INCREASE, PERPLEXITY_INCREASE,
            Metric.KL_DIVERGENCE, 0.01,
            Metric.KL_DIVERGENCE_P99, 0.1,
            Metric.SAME_TOP_TOKEN, 0.95,
            Metric.SIZE_RATIO, 0.5,
            Metric.BITS_PER_WEIGHT, 8.0);

    @Override
    public StageOutput run(StageInput<P> input, Workspace workspace) throws StageException, IOException {
        if (failed.compareAndSet(false, true)) {
            throw new StageException(Reason.OUT_OF_MEMORY, "planted by the test");
        }
        Files.writeString(
                workspace.folder().resolve("result.txt"), UUID.randomUUID().toString());
        List<Measurement> measurements = NUMBERS.entrySet().stream()
                .map(number -> measurement(number.getKey(), number.getValue(), input.device()))
                .toList();
        return new StageOutput(workspace.folder(), measurements);
    }

    private static Measurement measurement(Metric metric, double value, Device device) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                metric == Metric.PERPLEXITY ? OptionalDouble.of(8) : OptionalDouble.empty(),
                metric.unit(),
                "",
                device,
                64,
                Optional.empty(),
                "");
    }
}
