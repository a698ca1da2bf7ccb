package io.millrace.benchmarker;

import io.millrace.events.Measurement;
import io.millrace.events.Parameters.Benchmark;
import io.millrace.events.Parameters.Quality;
import io.millrace.events.Parameters.Speed;
import io.millrace.events.Reason;
import io.millrace.tensors.MalformedFileException;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Measures a candidate against its original; the artifact is the report. */
public final class BenchmarkStage implements Stage<Benchmark> {
    private final boolean againstAny;

    /** Measures against what a training wrote: in a pipeline no output comes round again. */
    public BenchmarkStage() {
        this(false);
    }

    private BenchmarkStage(boolean againstAny) {
        this.againstAny = againstAny;
    }

    /** Measures against what {@code millrace dequantize} or a stage made, too: of many a model nothing else is to be had. */
    public static BenchmarkStage againstAny() {
        return new BenchmarkStage(true);
    }

    @Override
    public Class<Benchmark> parameters() {
        return Benchmark.class;
    }

    @Override
    public StageOutput run(StageInput<Benchmark> input, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        try {
            List<Measurement> measurements = switch (input.parameters()) {
                case Quality quality -> QualityBenchmark.measure(input, quality, againstAny, workspace);
                case Speed speed -> SpeedBenchmark.measure(input, speed, workspace);
            };
            Path output = Files.createDirectories(workspace.folder().resolve("output"));
            ReportFile.write(output, input.parameters(), measurements);
            return new StageOutput(output, measurements);
        } catch (MalformedFileException e) {
            throw new StageException(Reason.ofCode(e.kind().code()), String.valueOf(e.getMessage()), e);
        }
    }
}
