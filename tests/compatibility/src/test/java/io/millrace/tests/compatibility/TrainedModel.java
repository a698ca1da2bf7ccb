package io.millrace.tests.compatibility;

import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a distillation made of its student, in numbers that few lines can hold. */
final class TrainedModel {
    private TrainedModel() {}

    /** The loss of each step. */
    static Map<String, Double> losses(Path output) throws IOException {
        Map<String, Double> losses = new LinkedHashMap<>();
        List<String> curve = Files.readAllLines(output.resolve("loss-curve.csv"));
        for (String line : curve.subList(1, curve.size())) {
            String[] columns = line.split(",", -1);
            losses.put("loss-of-step-" + columns[0], Double.parseDouble(columns[1]));
        }
        return losses;
    }

    /** How far each tensor moved, and how many of its weights are zero. */
    static Map<String, Double> changes(Path before, Path after) throws IOException {
        Map<String, Double> changes = new LinkedHashMap<>();
        try (Checkpoint student = Checkpoint.open(before);
                Checkpoint trained = Checkpoint.open(after)) {
            for (TensorSpec spec : trained.tensors()) {
                float[] from = read(student, spec);
                float[] to = read(trained, spec);
                double squares = 0;
                int zeros = 0;
                for (int i = 0; i < to.length; i++) {
                    squares += Math.pow(to[i] - from[i], 2);
                    zeros += to[i] == 0 ? 1 : 0;
                }
                changes.put("change-of-" + spec.name(), Math.sqrt(squares));
                changes.put("zeros-of-" + spec.name(), (double) zeros);
            }
        }
        return changes;
    }

    private static float[] read(WeightSource weights, TensorSpec spec) throws IOException {
        float[] values = new float[Math.toIntExact(spec.shape().elements())];
        weights.read(spec.name(), 0, spec.shape().rows(), MemorySegment.ofArray(values));
        return values;
    }
}
