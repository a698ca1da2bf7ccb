package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.distiller.DistillStage;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.pruner.PruneStage;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Distillations that follow a pruner, die and go on, or follow each other. */
class StageDistillationTest extends StageFixture {
    @Test
    void aDistillationThatDiedGoesOnFromItsLastSavedStepAndKeepsWhatWasPruned() throws Exception {
        // So few that nobody would see them in the numbers: the mark of the pruner tells.
        Parameters.Magnitude few = new Parameters.Magnitude(OptionalDouble.of(0.05), OptionalDouble.empty(), false);
        Path pruned = run(new PruneStage(), few, "prune", Map.of(Role.MODEL, original))
                .folder();
        Map<Role, Path> inputs =
                Map.of(Role.MODEL, pruned, Role.ORIGINAL, original, Role.CALIBRATION_TEXT, calibration);
        StageOutput whole = run(new DistillStage(), DISTILL, "whole", inputs);
        Path work = Files.createDirectory(temp.resolve("cut"));

        assertThatThrownBy(() -> new DistillStage().run(input(DISTILL, inputs), dyingAt(0, work)))
                .hasMessage("the process dies here");
        assertThat(work.resolve("state")).as("nothing was saved yet").doesNotExist();
        assertThatThrownBy(() -> new DistillStage().run(input(DISTILL, inputs), dyingAt(7, work)))
                .hasMessage("the process dies here");
        // As if it had written this line before it died, and not the state.
        Files.writeString(work.resolve("loss-curve.csv"), "8,9.5,9.5,,0.001,1.0\n", StandardOpenOption.APPEND);
        StageOutput resumed = run(new DistillStage(), DISTILL, "cut", inputs);

        assertThat(told)
                .as("no step is done again")
                .noneMatch(mark -> mark.startsWith("6 of 12"))
                .anyMatch(mark -> mark.startsWith("7 of 12"));
        assertThat(digest(resumed.folder().resolve("model.safetensors")))
                .isEqualTo(digest(whole.folder().resolve("model.safetensors")));
        assertThat(Files.readAllLines(resumed.folder().resolve("loss-curve.csv")))
                .isEqualTo(Files.readAllLines(whole.folder().resolve("loss-curve.csv")));
        assertThat(zeros(resumed.folder()))
                .isEqualTo(zeros(pruned))
                .anySatisfy((name, count) -> assertThat(count).as(name).isPositive());
    }

    /** A process that dies when so many steps are done. */
    private static Workspace dyingAt(long step, Path work) {
        return new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long done, long total, String message) {
                if (done == step) {
                    throw new IllegalStateException("the process dies here");
                }
            }
        };
    }

    @Test
    void zerosOfAPrunedModelOutliveASecondDistillation() throws Exception {
        Parameters.Magnitude few = new Parameters.Magnitude(OptionalDouble.of(0.05), OptionalDouble.empty(), false);
        Path pruned = run(new PruneStage(), few, "prune", Map.of(Role.MODEL, original))
                .folder();
        Path student = pruned;
        for (String distillation : List.of("first", "second")) {
            student = run(
                            new DistillStage(),
                            DISTILL,
                            distillation,
                            Map.of(
                                    Role.MODEL, student,
                                    Role.ORIGINAL, original,
                                    Role.CALIBRATION_TEXT, calibration))
                    .folder();
        }

        assertThat(zeros(student))
                .isEqualTo(zeros(pruned))
                .anySatisfy((name, count) -> assertThat(count).as(name).isPositive());
    }

    /** How many weights of each tensor are exactly zero. */
    private static Map<String, Integer> zeros(Path folder) throws Exception {
        Map<String, Integer> zeros = new TreeMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            for (TensorSpec spec : checkpoint.tensors()) {
                float[] values = new float[Math.toIntExact(spec.shape().elements())];
                checkpoint.read(spec.name(), 0, spec.shape().rows(), MemorySegment.ofArray(values));
                int count = 0;
                for (float value : values) {
                    count += value == 0 ? 1 : 0;
                }
                zeros.put(spec.name(), count);
            }
        }
        return zeros;
    }
}
