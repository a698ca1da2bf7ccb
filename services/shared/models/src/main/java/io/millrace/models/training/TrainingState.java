package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.EngineTensors;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An interrupted training on disk: a folder with one safetensors file of F32 tensors {@code weight.<name>}, {@code first.<name>} and
 * {@code second.<name>} (Adam's moments) and the metadata {@code millrace.training-state} = 1, {@code steps} = steps done.
 */
final class TrainingState {
    private static final String VERSION_KEY = "millrace.training-state";
    private static final String VERSION = "1";
    private static final String STEPS_KEY = "steps";

    private TrainingState() {}

    static void save(Path folder, CausalLanguageModel model, TrainingStep step) throws IOException {
        Map<String, NDArray> tensors = tensors(model, step);
        List<TensorSpec> plan = new ArrayList<>();
        tensors.forEach((name, tensor) -> plan.add(TensorSpec.plain(name, DType.F32, EngineTensors.shape(tensor))));
        Map<String, String> metadata = Map.of(VERSION_KEY, VERSION, STEPS_KEY, Long.toString(step.done()));
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, plan, metadata, Long.MAX_VALUE)) {
            for (var entry : tensors.entrySet()) {
                EngineTensors.read(entry.getValue(), (from, to, bytes) -> writer.append(entry.getKey(), bytes));
            }
            writer.finish();
        }
    }

    static void restore(Path folder, CausalLanguageModel model, TrainingStep step) throws IOException {
        Path file = folder.resolve(SafetensorsFolder.SINGLE);
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            String version = reader.metadata().get(VERSION_KEY);
            if (!VERSION.equals(version)) {
                throw new MalformedFileException(
                        file, -1, VERSION_KEY + " is '" + version + "'; expected '" + VERSION + "'");
            }
            long steps = steps(file, reader.metadata().get(STEPS_KEY));
            Map<String, Shape> present = new HashMap<>();
            for (TensorSpec spec : reader.tensors()) {
                if (spec.encoding() instanceof Encoding.Plain(DType type) && type == DType.F32) {
                    present.put(spec.name(), spec.shape());
                }
            }
            Map<String, NDArray> tensors = tensors(model, step);
            // All is checked before the first weight changes.
            for (var entry : tensors.entrySet()) {
                Shape wanted = EngineTensors.shape(entry.getValue());
                Shape found = present.get(entry.getKey());
                if (!wanted.equals(found)) {
                    throw new MalformedFileException(
                            file,
                            -1,
                            "tensor '" + entry.getKey() + "' is " + (found == null ? "missing" : "of shape " + found)
                                    + "; this model has F32 " + wanted + ", so the state is another model's");
                }
            }
            for (var entry : tensors.entrySet()) {
                EngineTensors.write(
                        entry.getValue(), (from, to, bytes) -> bytes.copyFrom(reader.rows(entry.getKey(), from, to)));
            }
            step.resumeAt(steps);
        }
    }

    private static long steps(Path file, @Nullable String text) throws MalformedFileException {
        if (text == null || !text.matches("[0-9]{1,18}")) {
            throw new MalformedFileException(file, -1, STEPS_KEY + " is '" + text + "'; expected a count of steps");
        }
        return Long.parseLong(text);
    }

    private static Map<String, NDArray> tensors(CausalLanguageModel model, TrainingStep step) {
        Map<String, NDArray> tensors = new LinkedHashMap<>();
        model.parameters().forEach((name, tensor) -> tensors.put("weight." + name, tensor));
        step.optimizer().firstMoments().forEach((name, tensor) -> tensors.put("first." + name, tensor));
        step.optimizer().secondMoments().forEach((name, tensor) -> tensors.put("second." + name, tensor));
        return tensors;
    }
}
